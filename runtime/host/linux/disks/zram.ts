/** Compressed memory as a block device (admin-guide/blockdev/zram.rst). */
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { DeviceError } from '../../host.ts';
import { attempt, hasCode } from '../files/file-errors.ts';
import { run } from '../kernel/run-command.ts';

const CONTROL = '/sys/class/zram-control';
const NODE = /^\/dev\/zram(\d+)$/;
const ATTRIBUTE = /^[a-z][a-z0-9_]*$/;

/** Files of sysfs: neither created nor truncated, and each write is one command. */
const command = async (path: string, text: string): Promise<void> => {
  await using file = await open(path, 'r+').catch((error: unknown) => {
    // hot_remove and reset can only be written.
    if (hasCode(error, 'EACCES')) return open(path, 'w');
    throw error;
  });
  await file.write(text);
};

const numberOf = (device: string): string => {
  const number = NODE.exec(device)?.[1];
  if (number === undefined) throw new DeviceError('zram', device, 'EINVAL', 'expected /dev/zram<number>');
  return number;
};

/** Built in, loaded, or there to be loaded. */
export const isZramSupported = (): boolean =>
  existsSync(CONTROL) || existsSync(`/lib/modules/${release()}/kernel/drivers/block/zram`);

/** A zram device of our own: those that exist already may be taken by somebody else at any time. */
const hotAdd = async (): Promise<string> => {
  if (!existsSync(CONTROL)) await run('modprobe', ['--', 'zram']);
  // Reading is the command, and its answer the number of the new device.
  return (await readFile(`${CONTROL}/hot_add`, 'utf8')).trim();
};

/** A setting that this kernel does not know is not worth a device: it is refused only when no size was set. */
const configure = async (number: string, settings: readonly (readonly [string, string])[]): Promise<void> => {
  const refused: unknown[] = [];
  for (const [key, value] of settings) {
    if (!ATTRIBUTE.test(key)) throw new DeviceError('zram', key, 'EINVAL', 'no name of a zram attribute');
    await command(`/sys/block/zram${number}/${key}`, value).catch((error: unknown) => refused.push(error));
  }
  const disksize = (await readFile(`/sys/block/zram${number}/disksize`, 'utf8')).trim();
  if (disksize === '0') {
    const reason = refused.map(String).join('; ');
    throw new DeviceError('zram', `/dev/zram${number}`, 'EINVAL', `no disksize set; ${reason}`, { cause: refused[0] });
  }
};

export const zramCreate = (settings: readonly (readonly [key: string, value: string])[]): Promise<string> =>
  attempt('zram', 'a new device', async () => {
    const number = await hotAdd();
    const device = `/dev/zram${number}`;
    try {
      await configure(number, settings);
      return device;
    } catch (error) {
      await zramRemove(device);
      throw error;
    }
  });

/** @throws DeviceError EBUSY: still mounted or used as swap. */
export const zramRemove = (device: string): Promise<void> =>
  attempt('zram', device, async () => {
    const number = numberOf(device);
    if (!existsSync(`/sys/block/zram${number}`)) return;
    await command(`/sys/block/zram${number}/reset`, '1');
    await command(`${CONTROL}/hot_remove`, number);
  });

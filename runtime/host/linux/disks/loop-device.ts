/**
 * Loop devices (loop(4)): a regular file as a block device that frees itself with its last user.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { attempt, attemptUnlessAbsent, hasCode } from '../files/file-errors.ts';
import { ioctl } from '../kernel/libc.ts';

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_SET_FD = 0x4c00;
const LOOP_CLR_FD = 0x4c01;
const LOOP_SET_STATUS64 = 0x4c04;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;

/** struct loop_config: fd, block size, struct loop_info64 (232 bytes), reserved. */
const CONFIG_BYTES = 304;
const INFO_START = 8;
const INFO_BYTES = 232;
const FLAGS_OFFSET = INFO_START + 52;
const NAME_OFFSET = INFO_START + 56;
const NAME_BYTES = 64;

/** Somebody else may take the free device first; as many can be in the race as there are daemons and tools. */
const ATTEMPTS = 64;

const configOf = (image: string, fd: number, readOnly: boolean): Buffer => {
  const config = Buffer.alloc(CONFIG_BYTES);
  config.writeUInt32LE(fd, 0);
  config.writeUInt32LE(LO_FLAGS_AUTOCLEAR | (readOnly ? LO_FLAGS_READ_ONLY : 0), FLAGS_OFFSET);
  // Only to be shown; sysfs knows the whole path. The last byte stays NUL.
  config.write(image, NAME_OFFSET, NAME_BYTES - 1);
  return config;
};

type Configure = (device: number, config: Buffer) => void;

/** Before Linux 5.8: attach, then set the flags. Read-only follows from how the image was opened. */
export const configureInTwoSteps: Configure = (device, config) => {
  ioctl(device, LOOP_SET_FD, config.readUInt32LE(0));
  try {
    ioctl(device, LOOP_SET_STATUS64, config.subarray(INFO_START, INFO_START + INFO_BYTES));
  } catch (error) {
    ioctl(device, LOOP_CLR_FD, 0);
    throw error;
  }
};

const configureAtOnce: Configure = (device, config) => {
  try {
    ioctl(device, LOOP_CONFIGURE, config);
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'ENOTTY', 'ENOSYS')) throw error;
    configureInTwoSteps(device, config);
  }
};

export interface Loop {
  readonly node: string;
  /** Keeps the device attached; once it is closed, only a mount does. */
  readonly handle: FileHandle;
}

const openFree = async (readOnly: boolean): Promise<Loop> => {
  await using control = await open('/dev/loop-control', constants.O_RDWR);
  const node = `/dev/loop${ioctl(control.fd, LOOP_CTL_GET_FREE, 0)}`;
  return { node, handle: await open(node, readOnly ? constants.O_RDONLY : constants.O_RDWR) };
};

/** undefined: somebody else took the device since we were given it. */
const tryAttach = async (config: Buffer, readOnly: boolean, configure: Configure): Promise<Loop | undefined> => {
  const loop = await openFree(readOnly);
  try {
    configure(loop.handle.fd, config);
    return loop;
  } catch (error) {
    await loop.handle.close();
    if (hasCode(error, 'EBUSY')) return undefined;
    throw error;
  }
};

const openImage = async (image: string, readOnly: boolean): Promise<FileHandle> => {
  const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
  const file = await open(image, access | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new DeviceError('loop', image, 'EINVAL', 'not a regular file');
};

/** Attaches a regular file to a free loop device. The caller closes the handle. */
export const attachLoop = (image: string, readOnly: boolean, configure: Configure = configureAtOnce): Promise<Loop> =>
  attempt('loop', image, async () => {
    await using file = await openImage(image, readOnly);
    const config = configOf(image, file.fd, readOnly);
    for (let count = 0; count < ATTEMPTS; count += 1) {
      const loop = await tryAttach(config, readOnly, configure);
      if (loop !== undefined) return loop;
    }
    throw new DeviceError('loop', image, 'EBUSY', 'no loop device stays free; are they all in use?');
  });

const DELETED = ' (deleted)';

/** What a loop device shows, by its number (`7:3`); undefined: it is free, or no loop device. */
export const backingFileOf = async (device: string): Promise<{ path: string; deleted: boolean } | undefined> => {
  const attribute = `/sys/dev/block/${device}/loop/backing_file`;
  const text = await attemptUnlessAbsent('read', attribute, () => readFile(attribute, 'utf8'));
  if (text === undefined) return undefined;
  const path = text.replace(/\n$/, '');
  if (path === '') return undefined;
  return path.endsWith(DELETED) ? { path: path.slice(0, -DELETED.length), deleted: true } : { path, deleted: false };
};

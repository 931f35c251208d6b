/** Objects of half a gigabyte, through the control socket, in constant memory; and one for which there is no room. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { onSmallDisk } from '../store/small-disk.ts';
import { type RealDevice, test } from './real-device.ts';

const MB = 1_000_000;
const LARGE = 500 * MB;
/** What a stream may have on its way, and garbage that is not collected yet. */
const MOST_MB = 48;

const curl = (device: RealDevice, ...parameters: readonly string[]): string =>
  execFileSync(
    'curl',
    [
      ...['--silent', '--show-error', '--unix-socket', join(device.run, 'pv-ctrl'), '--write-out', '%{http_code}'],
      ...parameters,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );

const shaOfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
};

/** Most that the daemon had in memory during the work, above what it had before, in MB. */
const growthDuring = (device: RealDevice, work: () => void): number => {
  const pid = device.daemonPid();
  const memory = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) /
    MB;
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // forgets the peak so far
  const before = memory('VmRSS');
  work();
  return memory('VmHWM') - before;
};

describeSystem('objects', () => {
  test('of 500 MB come and go in constant memory', async ({ device }) => {
    await device.start();
    const file = join(device.directory, 'large');
    writeFileSync(file, 'begins with something');
    truncateSync(file, LARGE);
    const url = `http://localhost/objects/${await shaOfFile(file)}`;
    const back = join(device.directory, 'back');
    const grown = {
      put: growthDuring(device, () => expect(curl(device, '-T', file, url)).toBe('200')),
      again: growthDuring(device, () => expect(curl(device, '-T', file, url)).toBe('200')),
      chunked: growthDuring(device, () => {
        const wrong = `http://localhost/objects/${'0'.repeat(64)}`;
        expect(curl(device, '-H', 'Transfer-Encoding: chunked', '-T', file, wrong)).toMatch(/bad checksum"}422$/);
      }),
      get: growthDuring(device, () => expect(curl(device, '-o', back, url)).toBe('200')),
      slowly: growthDuring(device, () => expect(curl(device, '--limit-rate', '100M', '-o', back, url)).toBe('200')),
    };
    expect(await shaOfFile(back)).toBe(await shaOfFile(file));
    process.stdout.write(`memory above the daemon's own, MB: ${JSON.stringify(grown)}\n`);
    for (const mb of Object.values(grown)) expect(mb).toBeLessThan(MOST_MB);
    expect(readdirSync(join(device.storage, 'objects')).filter((name) => name.includes('0'.repeat(64)))).toEqual([]);
  });

  test('that do not fit are refused by 507 once, and leave nothing', async ({ device }) => {
    const file = join(device.directory, 'large');
    writeFileSync(file, '');
    truncateSync(file, 100 * MB);
    const url = `http://localhost/objects/${await shaOfFile(file)}`;
    await onSmallDisk(device, 32, async (disk) => {
      await device.start();
      const free = disk.freeBytes();
      for (const how of [[], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect:']])
        expect(curl(device, ...how, '-T', file, url)).toBe('{"Error":"Not enough disk space available"}507');
      expect(free - disk.freeBytes()).toBeLessThan(MB);
      expect((await device.request('GET', '/objects')).body).toBe('[]');
    });
  });
});

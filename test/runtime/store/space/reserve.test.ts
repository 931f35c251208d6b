import { beforeEach, describe, expect, test } from 'vitest';
import { DeviceError, type Files } from '../../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../../runtime/host/simulated/simulated.ts';
import { openReserve, type Reserve, reserveSize } from '../../../../runtime/store/space/reserve.ts';

const MIB = 1024 * 1024;
const PATH = '/storage/.reserve';
let host: SimulatedHost;
let reserve: Reserve;
let releases: number;
beforeEach(async () => {
  host = simulatedHost();
  releases = 0;
  reserve = openReserve({
    files: host.files,
    disks: host.disks,
    directory: '/storage',
    onRelease: () => {
      releases += 1;
    },
  });
  await reserve.restore();
});

test.each([
  [16 * MIB, 256 * 1024],
  [256 * MIB, MIB],
  [64 * 1024 * MIB, 4 * MIB],
])('of a disk of %i bytes it takes %i', (total, size) => {
  expect(reserveSize(total)).toBe(size);
});

describe('on a full disk', () => {
  beforeEach(() => host.mischief.leaveFree('/storage', 0));

  const WRITES: readonly (readonly [name: string, write: (files: Files) => Promise<void>])[] = [
    ['a file', (files) => files.write('/storage/x', 'x'.repeat(5000), 0o644)],
    ['an addition', (files) => files.append('/storage/log', 'x'.repeat(5000), 0o644)],
  ];
  test.each(WRITES)('%s is written all the same, and it is told', async (_, write) => {
    await write(reserve.files);
    expect(releases).toBe(1);
    expect(await host.files.stat(PATH)).toBeUndefined();
  });

  test('objects are not', async () => {
    const content = (async function* () {
      yield Buffer.alloc(5000);
    })();
    const writing = reserve.files.writeStream('/storage/x', content, { mode: 0o644, maxBytes: 10_000 });
    await expect(writing).rejects.toThrow('ENOSPC');
    expect(releases).toBe(0);
  });

  test('what needs more than the reserve is refused, and the old content stays', async () => {
    await reserve.files.write('/storage/x', 'old', 0o644);
    host.mischief.leaveFree('/storage', 0);
    await expect(reserve.files.write('/storage/x', Buffer.alloc(8 * MIB), 0o644)).rejects.toThrow(DeviceError);
    expect((await host.files.read('/storage/x', 100))?.toString()).toBe('old');
  });

  test('it is not made anew as long as there is hardly any room', async () => {
    await reserve.files.write('/storage/x', 'x', 0o644);
    host.mischief.leaveFree('/storage', 4096);
    await reserve.restore();
    expect(await host.files.stat(PATH)).toBeUndefined();
  });
});

test('other refusals are passed on and cost nothing', async () => {
  host.faults = { before: ({ name, subject }) => new DeviceError(name, subject, 'EROFS') };
  await expect(reserve.files.write('/storage/x', 'x', 0o644)).rejects.toThrow('EROFS');
  host.faults = {};
  expect(await host.files.stat(PATH)).toBeDefined();
  expect(releases).toBe(0);
});

test('it is made once, and left as it is', async () => {
  const before = await host.files.stat(PATH);
  await reserve.restore();
  expect(await host.files.stat(PATH)).toEqual(before);
});

import { Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { squashfsImage } from '../../../runtime/host/simulated/inode.ts';
import { ALL_FAULT_POINTS, faultPoints } from '../../../runtime/host/simulated/operation.ts';
import { simulatedStorage } from '../../../runtime/host/simulated/persistent-storage.ts';
import { seededFaults } from '../../../runtime/host/simulated/seeded-faults.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { processorTime } from '../../processor-time.ts';

const IMAGE = `/storage/objects/ab12${'0'.repeat(60)}`;
const ROOT = '/run/pantavisor/volumes/web/root.squashfs';

/** A small daemon's day: mounts an image, starts a container, looks after it. */
const work = async (host: SimulatedHost): Promise<void> => {
  await host.files.makeDirectory(ROOT, 0o755);
  await host.mounts.mountImage({ image: IMAGE, target: ROOT, filesystem: 'squashfs', readOnly: true });
  await host.containers.configure('web', `lxc.rootfs.path = dir:${ROOT}\n`);
  await host.containers.start('web');
  await host.files.write('/storage/log', 'started', 0o600);
};

const deviceWithImage = (options: Parameters<typeof simulatedHost>[0] = {}): SimulatedHost => {
  const host = simulatedHost(options);
  host.mischief.write(IMAGE, squashfsImage('web'));
  return host;
};

describe('the log', () => {
  it('says what the daemon changed, in sentences, and nothing about looking or doing it twice', async () => {
    const host = deviceWithImage();
    for (let round = 0; round < 2; round += 1) {
      const done = work(host);
      await host.advance(100);
      await done;
      await host.files.stat(ROOT);
    }
    expect(host.log).toEqual([
      'make directory volumes/web/root.squashfs',
      'mount image objects/ab12… on volumes/web/root.squashfs',
      'configure web',
      'start web',
      'write log',
      'configure web',
      'write log',
    ]);
  });

  it('has no line for a link that is there already', async () => {
    const host = deviceWithImage();
    for (let round = 0; round < 2; round += 1) await host.files.link(IMAGE, '/storage/trail');
    expect(host.log).toEqual(['link objects/ab12… as trail']);
  });

  it('keeps quiet about the operator and mischief', async () => {
    const host = deviceWithImage();
    await host.operator.files.write('/storage/file', '', 0o600);
    host.mischief.removeTree('/storage/file');
    expect([host.log, host.trace]).toEqual([[], []]);
  });
});

describe('time', () => {
  it('stands still unless it is told to pass', async () => {
    const host = simulatedHost({ boot: { uptimeMs: 1_000, wallTime: new Date('2030-01-01T00:00:00Z') } });
    expect([host.clock.nowMs(), host.clock.wallTime().getUTCFullYear()]).toEqual([1_000, 2030]);
    await host.settle();
    expect(host.clock.nowMs()).toBe(1_000);
    await host.advance(60_000);
    expect(host.clock.nowMs()).toBe(61_000);
  });

  it('calls back at the time, in order, and not when cancelled', async () => {
    const host = simulatedHost();
    const startMs = host.clock.nowMs();
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name} at ${host.clock.nowMs() - startMs}`);
    host.clock.schedule(startMs + 20, note('late'));
    host.clock.schedule(startMs + 10, note('early'));
    host.clock.schedule(startMs + 10, note('second'));
    host.clock.schedule(startMs - 5, note('past'));
    const cancel = host.clock.schedule(startMs + 15, note('cancelled'));
    expect(host.timers).toBe(5);
    cancel();
    await host.advance(19);
    expect(calls).toEqual(['past at 0', 'early at 10', 'second at 10']);
    await host.advance(1);
    expect(calls).toHaveLength(4);
    expect(host.timers).toBe(0);
  });

  it('does not pass before everything that can happen has happened', async () => {
    const host = simulatedHost();
    const atMs: number[] = [];
    host.clock.schedule(host.clock.nowMs() + 10, async () => {
      for (let round = 0; round < 20; round += 1) await host.files.write('/storage/file', `${round}`, 0o600);
      atMs.push(host.clock.nowMs());
    });
    host.clock.schedule(host.clock.nowMs() + 11, () => atMs.push(host.clock.nowMs()));
    const startMs = host.clock.nowMs();
    await host.advance(1_000);
    expect(atMs).toEqual([startMs + 10, startMs + 11]);
  });

  it('waits for work that takes turns of the event loop between its operations', async () => {
    const host = simulatedHost();
    let rounds = 0;
    const hop = async (): Promise<void> => {
      for (; rounds < 20; rounds += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        await host.files.stat('/storage');
      }
    };
    hop();
    await host.settle();
    expect(rounds).toBe(20);
  });

  it('waits for streams that are worked on outside of the simulation', async () => {
    const host = simulatedHost();
    host.mischief.write('/storage/zipped', gzipSync(Buffer.alloc(1_000_000, 'content')));
    const inflated = Readable.from(host.files.stream('/storage/zipped')).pipe(createGunzip());
    let sizeBytes = 0;
    host.files.writeStream('/storage/plain', inflated, { mode: 0o600, maxBytes: 2_000_000 }).then((written) => {
      sizeBytes = written.sizeBytes;
    });
    await host.settle();
    expect(sizeBytes).toBe(1_000_000);
  });

  it('goes from event to event until something holds, and says when it never will', async () => {
    const host = deviceWithImage();
    let done = false;
    work(host).then(() => {
      done = true;
    });
    const startMs = host.clock.nowMs();
    expect(await host.runUntil(() => done, 10_000)).toBe(true);
    expect(host.clock.nowMs() - startMs).toBe(20);
    expect(await host.runUntil(() => false, 10_000)).toBe(false);
  });

  it('ends a daemon that spins without any time passing, and says what it did', async () => {
    const host = simulatedHost();
    const spin = async (): Promise<void> => {
      for (;;) await host.files.stat('/storage');
    };
    spin();
    await expect(host.settle()).rejects.toThrow(/operations while no time passed.*files\.stat \/storage/);
  });

  it('leaves the monotonic clock alone when the wall clock jumps', async () => {
    const host = simulatedHost();
    const beforeMs = host.clock.nowMs();
    host.mischief.setWallTime(new Date('2051-06-01T00:00:00Z'));
    expect(host.clock.nowMs()).toBe(beforeMs);
    expect(host.clock.wallTime().toISOString()).toBe('2051-06-01T00:00:00.000Z');
  });
});

describe('the same seed', () => {
  const course = async (seed: number): Promise<unknown> => {
    const rates = { rate: 0.05, delay: 0.3, hang: 0.01, lose: 0.1, duplicate: 0.1 };
    const host = deviceWithImage({ seed, faults: seededFaults(seed, rates) });
    const outcomes: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      work(host).then(
        () => outcomes.push('done'),
        (error: Error) => outcomes.push(error.message),
      );
      await host.advance(3_000);
    }
    return { outcomes, log: host.log, trace: host.trace, nowMs: host.clock.nowMs(), bootId: host.bootId };
  };

  it('gives the same course of events, another seed another one', async () => {
    const [first, again, other] = [await course(7), await course(7), await course(8)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('is fast: hundreds of operations in a few milliseconds', async () => {
    const host = deviceWithImage();
    const tookMs = processorTime();
    for (let round = 0; round < 100; round += 1) {
      await host.files.write(`/storage/file${round}`, 'content', 0o600);
      await host.files.stat(`/storage/file${round}`);
      await host.mounts.at(ROOT);
    }
    // 300 operations take about 2 ms; the limit is for a slow machine.
    expect(tookMs()).toBeLessThan(200);
  });
});

describe('coverage', () => {
  it('names the distinct kinds of operation of a trace', async () => {
    const host = deviceWithImage();
    work(host);
    await host.advance(100);
    expect(faultPoints(host.trace)).toEqual([
      'containers.configure',
      'containers.start',
      'files.makeDirectory',
      'files.write',
      'mounts.mountImage',
    ]);
    expect(ALL_FAULT_POINTS).toEqual(expect.arrayContaining([...faultPoints(host.trace)]));
  });
});

describe('storage', () => {
  it('says ENOSPC when it is full, and keeps the old content', async () => {
    const host = simulatedHost({ storage: simulatedStorage({ sizeBytes: 64 * 1024 }) });
    await host.files.write('/storage/file', 'old', 0o600);
    const tooMuch = host.files.write('/storage/file', Buffer.alloc(64 * 1024), 0o600);
    await expect(tooMuch).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await host.files.read('/storage/file', 10))?.toString()).toBe('old');
    expect(await host.files.space('/storage')).toEqual({ totalBytes: 65_536, freeBytes: 61_440 });
    await host.files.remove('/storage/file');
    expect((await host.files.space('/storage')).freeBytes).toBe(65_536);
  });

  it('can be handed to another device', async () => {
    const storage = simulatedStorage();
    await simulatedHost({ storage }).files.write('/storage/file', 'kept', 0o600);
    expect((await simulatedHost({ storage }).files.read('/storage/file', 10))?.toString()).toBe('kept');
  });

  it('has disks with contents, formats the blank and refuses the others', async () => {
    const host = simulatedHost({
      storage: simulatedStorage({ disks: { '/dev/sda1': {}, '/dev/sdb1': { contents: 'ext4' } } }),
    });
    await expect(host.disks.format('/dev/sdb1', 'ext4', [])).rejects.toMatchObject({ code: 'EEXIST' });
    await host.disks.format('/dev/sda1', 'ext4', []);
    await host.files.makeDirectory('/media/data', 0o755);
    const mount = { device: '/dev/sda1', target: '/media/data', filesystem: 'ext4', flags: [] };
    await host.mounts.mountDevice(mount);
    await host.files.write('/media/data/file', 'kept', 0o600);
    const rebooted = host.powerCut();
    expect(await rebooted.disks.contents('/dev/sda1')).toBe('ext4');
    await rebooted.files.makeDirectory('/media/data', 0o755);
    await rebooted.mounts.mountDevice(mount);
    expect((await rebooted.files.read('/media/data/file', 10))?.toString()).toBe('kept');
    expect(await rebooted.mounts.at('/media/data')).toMatchObject({ type: 'foreign', sources: ['/dev/sda1'] });
  });
});

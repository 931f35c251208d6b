import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../runtime/host/simulated/operation.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const CONFIG = 'lxc.rootfs.path = dir:/\n';

const text = async (host: SimulatedHost, path: string): Promise<string | undefined> =>
  (await host.operator.files.read(path, 1_000))?.toString();

const crashAt = (index: number, fault: Fault = 'crash') => ({
  before: (operation: { index: number }) => (operation.index === index ? fault : undefined),
});

describe('a crash of the daemon', () => {
  it('answers nothing any more, not even to finally', async () => {
    const host = simulatedHost({ faults: crashAt(1) });
    const said: string[] = [];
    const work = async (): Promise<void> => {
      try {
        await host.files.write('/storage/one', '1', 0o600);
        await host.files.write('/storage/two', '2', 0o600);
      } finally {
        said.push('finally');
      }
    };
    work();
    await host.advance(1_000);
    expect(host.crashed).toBe(true);
    expect(said).toEqual([]);
    expect(await host.operator.files.list('/storage')).toEqual(['one']);
  });

  it.each<[string, Fault, readonly string[]]>([
    ['before an operation leaves it undone', 'crash', []],
    ['in the middle of one leaves it done or undone', 'tear', ['one']],
  ])('%s, and what ran beside it too', async (_, fault, possible) => {
    const host = simulatedHost({ faults: crashAt(0, fault) });
    host.files.write('/storage/one', '1', 0o600);
    host.files.write('/storage/two', '2', 0o600);
    await host.settle();
    expect(possible).toEqual(expect.arrayContaining([...((await host.operator.files.list('/storage')) ?? [])]));
  });

  it('leaves undone what was asked for and had not happened yet', async () => {
    const host = simulatedHost({ faults: crashAt(1) });
    host.files.write('/storage/one', '1', 0o600);
    host.files.write('/storage/two', '2', 0o600);
    await host.settle();
    expect(await host.operator.files.list('/storage')).toEqual([]);
  });

  it('after an operation leaves it done', async () => {
    const host = simulatedHost({ faults: { after: () => 'crash' } });
    host.files.write('/storage/one', '1', 0o600);
    await host.settle();
    expect(host.crashed).toBe(true);
    expect(await text(host, '/storage/one')).toBe('1');
  });

  it('ends its timers and subscriptions without a word', async () => {
    const host = simulatedHost();
    const heard: string[] = [];
    host.clock.schedule(host.clock.nowMs() + 10, () => heard.push('timer'));
    host.files.watch('/storage').subscribe({ next: () => heard.push('watch'), complete: () => heard.push('complete') });
    host.faults = { notification: () => ({ delayMs: 100 }) };
    host.mischief.write('/storage/file', '');
    await host.settle();
    host.crash();
    host.files.watch('/storage').subscribe(() => heard.push('watch by the dead'));
    host.mischief.write('/storage/file', '');
    await host.advance(1_000);
    expect([heard, host.timers]).toEqual([[], 0]);
  });

  it('leaves containers, mounts, swaps and files to the next daemon', async () => {
    const host = simulatedHost();
    await host.files.makeDirectory('/run/volume', 0o755);
    await host.mounts.mountTmpfs({ target: '/run/volume' });
    await host.containers.configure('web', CONFIG);
    host.containers.start('web');
    await host.advance(5);
    const next = host.restarted();
    expect(host.crashed).toBe(true);
    expect(await next.containers.inspect('web')).toMatchObject({ state: 'STARTING' });
    await next.advance(100);
    expect(await next.containers.inspect('web')).toMatchObject({ state: 'RUNNING' });
    expect(await next.mounts.at('/run/volume')).toMatchObject({ type: 'tmpfs' });
    expect([next.bootId, next.clock.nowMs()]).toEqual([host.bootId, host.clock.nowMs()]);
    expect(next.log).toEqual([]);
  });

  it('keeps exits for the next daemon, in order and once', async () => {
    const host = simulatedHost();
    host.behaviour('web', { exitAfterMs: 10, exit: { type: 'code', code: 1 } });
    host.behaviour('db', { exitAfterMs: 20, exit: { type: 'signal', signal: 11 } });
    for (const name of ['web', 'db']) {
      await host.containers.configure(name, CONFIG);
      host.containers.start(name);
    }
    host.containers.exits.subscribe(() => expect.unreachable());
    await host.advance(25);
    host.crash();
    await host.advance(1_000);
    host.containers.exits.subscribe(() => expect.unreachable());
    const next = host.restarted();
    const exits: string[] = [];
    next.containers.exits.subscribe(({ name }) => exits.push(name));
    await next.settle();
    expect(exits).toEqual(['web', 'db']);
    next.restarted().containers.exits.subscribe(() => expect.unreachable());
    await next.settle();
  });
});

describe('a power cut', () => {
  it('forgets everything but the storage and boots with a new id and clock', async () => {
    const host = simulatedHost();
    await host.files.write('/storage/file', 'kept', 0o600);
    await host.files.write('/run/file', 'lost', 0o600);
    await host.files.makeDirectory('/storage/point', 0o755);
    await host.mounts.mountTmpfs({ target: '/storage/point' });
    await host.containers.configure('web', CONFIG);
    host.containers.start('web');
    await host.advance(60_000);
    const next = host.powerCut();
    expect(await next.files.list('/run')).toEqual([]);
    expect(await next.files.list('/storage')).toEqual(['file', 'point']);
    expect(await next.mounts.at('/storage/point')).toBeUndefined();
    expect(await next.containers.list()).toEqual([]);
    expect(next.clock.nowMs()).toBe(5_000);
    expect(next.bootId).not.toBe(host.bootId);
    await expect(host.advance(1)).rejects.toThrow(/switched off/);
  });

  it('keeps a write that was under way whole: old or new, and both happen', async () => {
    const found = new Set<string | undefined>();
    for (let seed = 0; seed < 30; seed += 1) {
      const host = simulatedHost({ seed });
      await host.files.write('/storage/file', 'old', 0o600);
      host.faults = { before: () => 'hang' };
      host.files.write('/storage/file', 'new', 0o600);
      await host.settle();
      expect(host.inFlight).toMatchObject([{ name: 'write', subject: '/storage/file' }]);
      const next = host.powerCut();
      found.add(await text(next, '/storage/file'));
      expect(await next.operator.files.list('/storage')).toEqual(['file']);
    }
    expect(found).toEqual(new Set(['old', 'new']));
  });

  it.each<[string, (host: SimulatedHost) => SimulatedHost]>([
    ['a crash of the daemon', (host) => host.restarted()],
    ['a power cut', (host) => host.powerCut()],
  ])('leaves a part of a tree whose removal was under way: %s', async (_, end) => {
    const left = new Set<number>();
    for (let seed = 0; seed < 60; seed += 1) {
      const host = simulatedHost({ seed });
      await host.files.makeDirectory('/storage/tree', 0o755);
      for (const name of ['a', 'b', 'c']) await host.files.write(`/storage/tree/${name}`, name, 0o600);
      host.faults = { before: () => 'tear' };
      host.files.remove('/storage/tree');
      await host.settle();
      const next = end(host);
      left.add((await next.operator.files.list('/storage/tree'))?.length ?? -1);
    }
    expect([...left].sort()).toEqual([-1, 0, 1, 2, 3]);
  });

  it('of a lazy device loses a tail of what did not promise to be durable, never what did', async () => {
    const lost = new Set<boolean>();
    for (let seed = 0; seed < 30; seed += 1) {
      const host = simulatedHost({ seed, lazy: true });
      await host.files.makeDirectory('/storage/early', 0o755);
      await host.files.write('/storage/file', 'durable', 0o600);
      await host.files.makeDirectory('/storage/late', 0o755);
      const next = host.powerCut();
      const names = await next.operator.files.list('/storage');
      expect(names).toEqual(expect.arrayContaining(['early', 'file']));
      lost.add(!names?.includes('late'));
    }
    expect(lost).toEqual(new Set([true, false]));
  });

  it('never leaves a file with anything but a content that was written to it', async () => {
    const step = fc.record({ file: fc.nat(2), content: fc.string({ maxLength: 5 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(), fc.nat(12), async (steps, seed, cut) => {
        const host = simulatedHost({ seed, faults: crashAt(cut, 'tear') });
        const expected = new Map<string, readonly (string | undefined)[]>();
        const run = async (): Promise<void> => {
          for (const { file, content } of steps) {
            const path = `/storage/${file}`;
            expected.set(path, [...(expected.get(path) ?? [undefined]).slice(-1), content]);
            await host.files.write(path, content, 0o600);
            expected.set(path, [content]);
          }
        };
        run();
        await host.settle();
        const next = host.powerCut();
        for (const [path, contents] of expected) expect(contents).toContain(await text(next, path));
      }),
      { numRuns: 100 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { aState, type StateBuilder } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig, type RigOptions } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const good = aState().group({ name: 'all', timeout: 20 }).container('a').container('b');
const better = good.object('b/root.squashfs', 'another root of b');

const running = async (options: RigOptions = {}): Promise<Rig> => {
  const rig = await aRig(options);
  expect(await rig.run(good, 'locals/1')).toBe('DONE');
  rig.newLog();
  return rig;
};

const expectBack = async (rig: Rig, a: number | undefined): Promise<void> => {
  await expectIdle(rig);
  expect(rig.update()).toMatchObject({ committed: { revision: 'locals/1' } });
  expect(rig.update().trial).toBeUndefined();
  expect(['a', 'b'].map(rig.statusOf)).toEqual(['STARTED', 'STARTED']);
  expect(rig.pidOf('a'), 'the container that did not differ kept its run').toBe(a);
};

describe('a trial goes back by itself', () => {
  const cases: [string, StateBuilder, (rig: Rig) => void, RegExp][] = [
    [
      'when a goal is missed',
      good.container('b', { status_goal: 'READY' }),
      () => {},
      /^ERROR Status goal not reached: b is STARTED, its goal is READY$/,
    ],
    [
      'when LXC refuses a container',
      better,
      (rig) => rig.behaviour('b', (_, attempt) => (attempt <= 4 ? { failsToStart: 'no init' } : {})),
      /^ERROR A container could not be started: container\/b: .*no init/,
    ],
    [
      'when a container that nobody recovers crashes',
      better,
      (rig) =>
        rig.behaviour('b', (_, attempt) => (attempt === 2 ? { exitAfterMs: 99, exit: { type: 'code', code: 3 } } : {})),
      /^ERROR A container could not be started: container\/b: b: it ended with exit code 3$/,
    ],
    [
      'when a container uses up its retries',
      good.container('b', { auto_recovery: { policy: 'on-failure', max_retries: 2 } }),
      (rig) =>
        rig.behaviour('b', (_, attempt) =>
          attempt <= 4 ? { exitAfterMs: 99, exit: { type: 'signal', signal: 11 } } : {},
        ),
      /^ERROR A container could not be started: container\/b: b: it ended with signal 11, and all 2 retries are used up$/,
    ],
    [
      'when a disk holds what must not be formatted',
      good
        .disk({ name: 'usb', type: 'volume-disk', path: '/dev/sda', provision: 'block', format: 'ext4' })
        .container('b', { storage: { 'lxc-overlay': { persistence: 'permanent', disk: 'usb' } } }),
      () => {},
      /^ERROR A container could not be started: disk\/usb: \/dev\/sda holds ntfs/,
    ],
    [
      'when a disk is not there',
      good
        .disk({ name: 'usb', type: 'volume-disk', path: '/dev/sdb', provision: 'block', format: 'ext4' })
        .container('b', { storage: { 'lxc-overlay': { persistence: 'permanent', disk: 'usb' } } }),
      () => {},
      /^ERROR A container could not be started: disk\/usb: .*there is no device \/dev\/sdb/,
    ],
    [
      'when a container can never be started as declared',
      good.container('b', { type: 'docker' }),
      () => {},
      /^ERROR A container could not be started: container\/b: .*type "docker"/,
    ],
  ];
  it.each(cases)('%s', async (_, state, prepare, reason) => {
    const rig = await running({ disks: { '/dev/sda': { contents: 'ntfs' } } });
    const a = rig.pidOf('a');
    prepare(rig);
    expect(await rig.run(state, 'locals/2')).toMatch(reason);
    await expectBack(rig, a);
  });

  it('when an image is corrupt', async () => {
    const rig = await running();
    const a = rig.pidOf('a');
    rig.host.mischief.write(`/storage/objects/${better.toValue()['b/root.squashfs']}`, 'no file system at all');
    expect(await rig.run(better, 'locals/2')).toMatch(/^ERROR A container could not be started: volume\/b\/root/);
    await expectBack(rig, a);
  });

  it('when objects are missing, before anything is touched', async () => {
    const rig = await running();
    const path = `/storage/objects/${better.toValue()['b/root.squashfs']}`;
    await rig.propose(better, 'locals/2');
    rig.host.mischief.removeTree(path);
    await rig.until(() => rig.update().failures['locals/2'] !== undefined);
    expect(rig.update().failures['locals/2']).toMatchObject({ status: 'ERROR', message: 'Internal error' });
    expect(rig.newLog()).toEqual([]);
    await expectIdle(rig);
  });

  it('when a container crashes during the commit delay', async () => {
    const rig = await running({ commitDelaySeconds: 60 });
    const a = rig.pidOf('a');
    await rig.propose(better, 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    await rig.host.advance(50_000);
    rig.host.mischief.kill('b', { type: 'code', code: 9 });
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().failures['locals/2']?.detail).toBe('container/b: b: it ended with exit code 9');
    await expectBack(rig, a);
  });

  it('but not when a container recovers during the commit delay, however long ago the groups were opened', async () => {
    const rig = await running({ commitDelaySeconds: 60 });
    const recovering = { auto_recovery: { policy: 'always', max_retries: 3, retry_delay: 2 } };
    await rig.propose(better.container('b', recovering), 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    await rig.host.advance(50_000);
    rig.host.mischief.kill('b', { type: 'code', code: 9 });
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.newLog(LIFE)).toEqual(['halt b', 'start b', 'start b']);
    expect(rig.update().committed.revision).toBe('locals/2');
  });

  it('when a container that recovers does not become ready again', async () => {
    const rig = await running({ commitDelaySeconds: 60 });
    rig.behaviour('b', (_, attempt) => (attempt === 2 ? { readyAfterMs: 10 } : {}));
    const recovering = { auto_recovery: { policy: 'always' }, status_goal: 'READY' };
    await rig.propose(good.container('b', recovering), 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    await rig.host.advance(50_000);
    rig.host.mischief.kill('b');
    const killedAtMs = rig.host.clock.nowMs();
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().failures['locals/2']?.detail).toBe('b is STARTED, its goal is READY');
    expect(rig.host.clock.nowMs() - killedAtMs).toBeLessThan(21_000);
    await expectIdle(rig);
  });

  it('but not because of a container that had given up before', async () => {
    const rig = await aRig();
    const tired = { auto_recovery: { policy: 'always', max_retries: 1, backoff_policy: 'never' } };
    await rig.run(good.container('b', tired), 'locals/1');
    for (const exit of [1, 2]) {
      rig.host.mischief.kill('b', { type: 'code', code: exit });
      await rig.host.advance(1_000);
    }
    expect(rig.statusOf('b')).toBe('STOPPED');
    const other = good.container('b', tired).object('a/root.squashfs', 'another root of a');
    expect(await rig.run(other, 'locals/2')).toBe('DONE');
    expect(rig.reasonOf('container/b')).toMatch(/backoff_policy is 'never'$/);
  });

  it('but not because somebody mounted over a volume of a container that runs well', async () => {
    const rig = await running();
    rig.host.mischief.mountOver('/volumes/a/root.squashfs');
    await rig.host.settle();
    expect(await rig.run(better, 'locals/2')).toBe('DONE');
  });

  it('but not because of a container that ended just before', async () => {
    const rig = await running();
    rig.host.mischief.kill('a');
    await rig.until(() => rig.phaseOf('a')?.phase === 'exited' || rig.newLog(/unmount a/).length > 0);
    expect(await rig.run(better, 'locals/2')).toBe('DONE');
  });

  it('and touches only what differs on the way', async () => {
    const rig = await running();
    rig.behaviour('b', { exitAfterMs: 100, exit: { type: 'code', code: 3 } });
    await rig.propose(better, 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    await rig.until(() => rig.phaseOf('b')?.phase === 'exited' || rig.update().trial === undefined);
    rig.behaviour('b', {});
    await rig.rest();
    expect(rig.newLog(LIFE)).toEqual(['halt b', 'start b', 'start b']);
  });
});

describe('content that failed', () => {
  const failing = good.container('b', { status_goal: 'READY' });

  it('is not tried again under its own name, nor after a restart', async () => {
    const rig = await running();
    await rig.run(failing, 'locals/2');
    await rig.rest();
    rig.newLog();
    rig.proposals.propose({ revision: 'locals/2', hash: rig.update().failures['locals/2']?.hash ?? '' });
    await rig.rest();
    expect(rig.newLog()).toEqual([]);
    expect(rig.reasonOf('update/device')).toMatch(/^this content was tried before and failed: Status goal not reached/);

    const next = await rig.restarted();
    next.proposals.propose({ revision: 'locals/2', hash: rig.update().failures['locals/2']?.hash ?? '' });
    await next.rest();
    expect(next.newLog()).toEqual([]);
  });

  it('is not tried under another name either', async () => {
    const rig = await running();
    await rig.run(failing, 'locals/2');
    await rig.rest();
    rig.newLog();
    await rig.propose(failing, 'locals/3');
    await rig.rest();
    expect(rig.newLog()).toEqual([]);
    expect(rig.reasonOf('update/device')).toMatch(/^this content was tried before and failed/);
    await expectIdle(rig);
  });

  it('does not stand in the way of other content', async () => {
    const rig = await running();
    await rig.run(failing, 'locals/2');
    expect(await rig.run(better, 'locals/3')).toBe('DONE');
  });

  it('does not replace a trial that is going well', async () => {
    const rig = await running();
    await rig.run(failing, 'locals/2');
    await rig.propose(better, 'locals/3');
    await rig.until(() => rig.update().trial !== undefined);
    rig.proposals.propose({ revision: 'locals/2', hash: rig.update().failures['locals/2']?.hash ?? '' });
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().committed.revision).toBe('locals/3');
  });

  it('keeps its reason over a power cut', async () => {
    const rig = await running();
    await rig.run(failing, 'locals/2');
    const boot = await rig.afterPowerCut();
    expect(boot.update().failures['locals/2']).toMatchObject({ message: 'Status goal not reached' });
  });
});

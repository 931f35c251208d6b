/** A daemon starts whatever has become of the storage, and of what runs: it says what is wrong, and runs what it can. */
import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../runtime/host/host.ts';
import type { Faults, Operation } from '../../runtime/host/simulated/operation.ts';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig, type RigOptions, startRig } from './rig.ts';
import { DaemonDied } from './settled.ts';

const group = { name: 'apps', timeout: 10 };
const one = aState().group(group).container('web').container('db');
const two = one.object('web/root.squashfs', 'another root of web');
const broken = one.container('web', { status_goal: 'READY' });
/** Belongs to no container. */
const other = aState()
  .group({ ...group, timeout: 20 })
  .container('web')
  .container('db');

const onOne = async (options: RigOptions = {}): Promise<Rig> => {
  const rig = await aRig({ commitDelaySeconds: 0, ...options });
  expect(await rig.run(one, 'locals/one')).toBe('DONE');
  await rig.rest();
  return rig;
};

/** What is there already can be made, and what is not there removed, all the same. */
const WRITES = ['write', 'append', 'rename', 'link', 'symlink'];

/** Nothing below the storage can be changed any more. */
const takesNothing = (code: string): Faults => ({
  before: ({ port, name, subject }) =>
    port === 'files' && WRITES.includes(name) && subject.startsWith('/storage/')
      ? new DeviceError(name, subject, code)
      : undefined,
});

/** The daemon dies at the first operation about this. */
const diesAt = async (rig: Rig, about: (operation: Operation) => boolean, work: () => Promise<unknown>) => {
  rig.host.faults = { before: (operation) => (about(operation) ? 'crash' : undefined) };
  await expect(work()).rejects.toThrow(DaemonDied);
};

const isWrite =
  (path: string) =>
  ({ name, subject }: Operation): boolean =>
    name === 'write' && subject === `/storage/trails/locals/two/.pv/${path}`;

const progress = async (rig: Rig): Promise<string | undefined> =>
  (await rig.device.store.progress('locals/two'))?.status;

describe.each(['ENOSPC', 'EROFS', 'EIO'])('on a storage that takes nothing any more (%s)', (code) => {
  it('goes on with a commit that was cut off, and tells of it when it can', async () => {
    const rig = await onOne();
    await diesAt(rig, isWrite('done'), () => rig.run(two, 'locals/two'));
    rig.host.faults = takesNothing(code);
    const next = await rig.restarted();
    await next.until(() => next.statusOf('web') === 'STARTED');
    expect(next.update().committed.revision).toBe('locals/two');
    next.host.faults = {};
    await next.rest();
    expect(await progress(next)).toBe('DONE');
    await expectIdle(next);
  });

  it('goes on after a rollback that was cut off, and tells of it when it can', async () => {
    const rig = await onOne();
    let isFailed = false;
    const isUntold = (operation: Operation): boolean => {
      isFailed ||= isWrite('failure')(operation);
      return isFailed && isWrite('progress')(operation);
    };
    await diesAt(rig, isUntold, () => rig.run(broken, 'locals/two'));
    rig.host.faults = takesNothing(code);
    const next = await rig.restarted();
    await next.until(() => next.statusOf('web') === 'STARTED');
    next.host.faults = {};
    await next.until(() => next.update().trial === undefined && next.update().lifeline === undefined);
    await next.rest();
    expect(await progress(next)).toBe('ERROR');
    expect(next.update().committed.revision).toBe('locals/one');
    await expectIdle(next);
  });

  it('does not try what cannot be marked as tried, and runs what is committed', async () => {
    const first = await aRig({ commitDelaySeconds: 0, rebootTransitions: true });
    await first.propose(one, 'locals/one');
    const rig = await first.rebooted();
    await rig.until(() => rig.update().committed.revision === 'locals/one');
    await rig.propose(other, 'locals/two');
    await rig.until(() => rig.update().rebooting !== undefined);
    rig.host.faults = takesNothing(code);
    const booted = await rig.rebooted();
    await booted.until(() => booted.statusOf('web') === 'STARTED');
    expect(booted.update().committed.revision).toBe('locals/one');
    booted.host.faults = {};
    await booted.until(() => booted.update().trial === undefined);
    await booted.rest();
    expect(await progress(booted)).toBe('ERROR');
    expect(booted.statusOf('web')).toBe('STARTED');
  });
});

describe('when the device does not answer', () => {
  it('whatever it was asked first: it is asked again, and nothing is touched', { timeout: 120_000 }, async () => {
    let point = 0;
    for (let met = true; met; point += 1) {
      const rig = await onOne();
      const pids = ['web', 'db'].map(rig.pidOf);
      const beganMs = rig.host.clock.nowMs();
      let left = point;
      rig.host.faults = { before: ({ daemon }) => (daemon === 2 && left-- === 0 ? 'hang' : undefined) };
      const next = await rig.restarted();
      await next.rest();
      expect(['web', 'db'].map(next.pidOf), `operation ${point}`).toEqual(pids);
      expect(next.newLog(), `operation ${point}`).toEqual([]);
      expect(next.host.clock.nowMs() - beganMs, `operation ${point}`).toBeLessThan(200_000);
      met = left < 0;
    }
    expect(point).toBeGreaterThan(30);
  });

  it('says what it waited for when the storage never does', async () => {
    const rig = await onOne();
    rig.host.faults = {
      before: ({ name, subject }) => (name === 'read' && subject === '/storage/boot/uboot.txt' ? 'hang' : undefined),
    };
    await expect(rig.restarted()).rejects.toThrow('read /storage/boot/uboot.txt: did not finish in 60 s (TIMEOUT)');
  });

  it('does nothing beside what cannot be looked at, says so, and goes on when it can', async () => {
    const problems: string[] = [];
    const rig = await onOne({ onProblem: (subject, message) => problems.push(`${subject}: ${message}`) });
    const pid = rig.pidOf('web');
    const hangs: Faults = {
      before: ({ name, subject }) => (name === 'inspect' && subject === 'web' ? 'hang' : undefined),
    };
    rig.host.faults = hangs;
    rig.host.crash();
    const host = rig.host.restarted();
    host.faults = hangs;
    host.mischief.kill('db');
    const starting = startRig(host, { onProblem: (subject, message) => problems.push(`${subject}: ${message}`) });
    await host.advance(300_000);
    expect(problems).toContain('start: nothing is done before container/web can be looked at');
    expect(host.log.filter((deed) => /^(start|halt|kill|unmount)/.test(deed))).toEqual([]);
    host.faults = {};
    const next = await starting;
    await next.rest();
    expect(next.pidOf('web')).toBe(pid);
    expect(next.statusOf('db')).toBe('STARTED');
    await expectIdle(next);
  });

  it('believes what says that it is ready before it is known what is expected', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    rig.behaviour('web', { readyAfterMs: 100 });
    expect(await rig.run(one.container('web', { status_goal: 'READY' }), 'locals/one')).toBe('DONE');
    rig.behaviour('web', { readyAfterMs: 5_000 });
    rig.host.mischief.kill('web');
    await rig.host.advance(100);
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    rig.host.crash();
    const host = rig.host.restarted();
    host.faults = { before: ({ name, subject }) => (name === 'inspect' && subject === 'db' ? 'hang' : undefined) };
    const starting = startRig(host, { commitDelaySeconds: 0 });
    await host.advance(60_000);
    host.faults = {};
    const next = await starting;
    await next.rest();
    expect(next.statusOf('web')).toBe('READY');
    await expectIdle(next);
  });
});

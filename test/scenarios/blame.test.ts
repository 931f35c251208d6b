/** A rollback, hold or safe mode is decided by what a trial made worse, never by what was broken before it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const crash = { exitAfterMs: 200, exit: { type: 'code', code: 1 } } as const;
const recovering = (retryDelay: number, more: Readonly<Record<string, unknown>> = {}) => ({
  auto_recovery: { policy: 'always', retry_delay: retryDelay, ...more },
});
const base = (loop: Readonly<Record<string, unknown>>) =>
  aState().group({ name: 'all', timeout: 20 }).container('good').container('app').container('loop', loop);

/** A device on which `loop` was healthy when it was committed, and crashes ever since. */
const withCrashLoop = async (loop: Readonly<Record<string, unknown>>): Promise<Rig> => {
  const rig = await aRig();
  expect(await rig.run(base(loop), 'locals/1')).toBe('DONE');
  rig.behaviour('loop', crash);
  rig.host.mischief.kill('loop', { type: 'code', code: 1 });
  return rig;
};
const failing = (loop: Readonly<Record<string, unknown>>) =>
  base(loop).object('app/root.squashfs', 'a root that does not start');
const breakApp = (rig: Rig): void =>
  rig.behaviour('app', (_, attempt) => (attempt >= 2 && attempt <= 5 ? { failsToStart: 'no init' } : {}));

const expectAsBefore = (rig: Rig, good: number | undefined): void => {
  expect(['verifying', undefined], 'neither revision 0 nor safe mode').toContain(rig.update().lifeline?.stage);
  expect(rig.update().committed.revision).toBe('locals/1');
  expect(['good', 'app'].map(rig.statusOf)).toEqual(['STARTED', 'STARTED']);
  expect(rig.pidOf('good'), 'what did not change kept its run').toBe(good);
};

describe('a crash loop that was there before', () => {
  it.each([
    ['waits longer for its retry than its group has time', recovering(600)],
    ['retries at once', recovering(0)],
    ['has used up its retries and rests', recovering(1, { max_retries: 1, backoff_policy: '900' })],
    ['has used up its retries and never starts again', recovering(1, { max_retries: 1, backoff_policy: 'never' })],
    ['has no policy', {}],
  ])('does not turn the rollback of another into safe mode: it %s', async (_, loop) => {
    const rig = await withCrashLoop(loop);
    await rig.host.advance(60_000);
    const good = rig.pidOf('good');
    breakApp(rig);
    expect(await rig.run(failing(loop), 'locals/2')).toMatch(/^ERROR .*app.*no init/);
    await rig.host.advance(2_000);
    expectAsBefore(rig, good);
    await rig.host.advance(60_000);
    expectAsBefore(rig, good);
    expect(rig.update().lifeline, 'verified').toBeUndefined();
  });

  it.each([
    ['waits for its retry', recovering(600)],
    ['retries at once', recovering(0)],
    ['has given up', recovering(1, { max_retries: 1, backoff_policy: 'never' })],
    ['has no policy', {}],
  ])('does not keep an update of another from being committed: it %s', async (_, loop) => {
    const rig = await withCrashLoop(loop);
    await rig.host.advance(60_000);
    expect(await rig.run(base(loop).object('app/root.squashfs', 'another root'), 'locals/2')).toBe('DONE');
  });

  it('is judged when the update changes it', async () => {
    const loop = recovering(600);
    const rig = await withCrashLoop(loop);
    await rig.host.advance(60_000);
    const good = rig.pidOf('good');
    const changed = base(loop).object('loop/root.squashfs', 'another root that crashes as well');
    expect(await rig.run(changed, 'locals/2')).toMatch(/^ERROR Status goal not reached: loop is RECOVERING/);
    await rig.host.advance(60_000);
    expectAsBefore(rig, good);
  });

  it('is no reason against a rollback through a reboot either, nor after a restart of the daemon', async () => {
    const loop = recovering(600);
    let rig = await aRig({ rebootTransitions: true });
    await rig.propose(base(loop), 'locals/1');
    rig = await rig.rebooted();
    await rig.until(() => rig.update().committed.revision === 'locals/1');
    rig.behaviour('loop', crash);
    rig.host.mischief.kill('loop', { type: 'code', code: 1 });
    await rig.host.advance(60_000);
    rig.behaviour('app', { failsToStart: 'no init' });
    await rig.propose(failing(loop).container('app', { restart_policy: 'system' }), 'locals/2');
    rig = await rig.rebooted();
    await rig.until(() => rig.update().rebooting !== undefined);
    rig.behaviour('app', {});
    rig = await rig.rebooted();
    await rig.host.advance(5_000);
    rig = await rig.restarted();
    await rig.host.advance(120_000);
    expect(rig.update().failures['locals/2']?.detail).toMatch(/app/);
    expect(rig.update().lifeline).toBeUndefined();
    expect(['good', 'app'].map(rig.statusOf)).toEqual(['STARTED', 'STARTED']);
    expect(rig.statusOf('loop')).toBe('RECOVERING');
  });
});

describe('a container that an operator stopped', () => {
  const changed = base({}).object('app/root.squashfs', 'another root');
  const stopped = async (): Promise<Rig> => {
    const rig = await aRig();
    expect(await rig.run(base({}), 'locals/1')).toBe('DONE');
    for (const name of ['app', 'good']) await rig.control(name, 'stop');
    await rig.rest();
    expect(['app', 'good'].map(rig.statusOf)).toEqual(['STOPPED', 'STOPPED']);
    rig.newLog();
    return rig;
  };

  it('is started to be tried when the update changes it, and stays stopped afterwards', async () => {
    const rig = await stopped();
    expect(await rig.run(changed, 'locals/2')).toBe('DONE');
    await rig.rest();
    expect(rig.newLog(LIFE)).toEqual(['start app', 'halt app']);
    expect(['app', 'good', 'loop'].map(rig.statusOf)).toEqual(['STOPPED', 'STOPPED', 'STARTED']);
  });

  it('rolls the update back when its new version cannot start', async () => {
    const rig = await stopped();
    breakApp(rig);
    expect(await rig.run(changed, 'locals/2')).toMatch(/^ERROR .*app.*no init/);
    await rig.rest();
    expect(['app', 'good', 'loop'].map(rig.statusOf)).toEqual(['STOPPED', 'STOPPED', 'STARTED']);
    expect(rig.update().committed.revision).toBe('locals/1');
  });
});

describe('what became broken during a trial', () => {
  it('is blamed on it, though nothing of it was changed', async () => {
    const loop = recovering(600);
    const rig = await aRig({ commitDelaySeconds: 60 });
    expect(await rig.run(base(loop), 'locals/1')).toBe('DONE');
    await rig.propose(base(loop).object('app/root.squashfs', 'another root'), 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    rig.behaviour('loop', (_, attempt) => (attempt <= 3 ? crash : {}));
    rig.host.mischief.kill('loop', { type: 'code', code: 1 });
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().failures['locals/2']?.detail).toMatch(/^loop is RECOVERING/);
  });

  it('has its time from the rollback on, and the wait for its retry on top', async () => {
    const loop = recovering(600);
    const rig = await aRig();
    expect(await rig.run(base(loop), 'locals/1')).toBe('DONE');
    await rig.host.advance(120_000);
    breakApp(rig);
    await rig.propose(failing(loop), 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    rig.host.mischief.kill('loop', { type: 'code', code: 1 });
    await rig.until(() => rig.update().trial === undefined);
    await rig.host.advance(500_000);
    expect(rig.update().lifeline?.stage).toBe('verifying');
    expect(['good', 'app'].map(rig.statusOf)).toEqual(['STARTED', 'STARTED']);
    await rig.host.advance(120_000);
    expect(rig.update().lifeline).toBeUndefined();
    await expectIdle(rig);
  });
});

describe('a trial is decided in the time that is declared', () => {
  it.each([
    ['reaches its goal for a moment', 'STARTED'],
    ['never reaches its goal', 'READY'],
  ])('when a container that ends again and again %s', async (_, goal) => {
    const rig = await aRig({ commitDelaySeconds: 2 });
    const good = aState()
      .group({ name: 'all', timeout: 10 })
      .container('app', { ...recovering(0), status_goal: goal });
    rig.behaviour('app', { readyAfterMs: 10 });
    expect(await rig.run(good, 'locals/1')).toBe('DONE');
    rig.behaviour('app', (_, attempt) => (attempt === 1 ? { readyAfterMs: 10 } : crash));
    const sinceMs = rig.host.clock.nowMs();
    expect(await rig.run(good.object('app/root.squashfs', 'flaps'), 'locals/2')).toMatch(
      /^ERROR Status goal not reached/,
    );
    expect(rig.host.clock.nowMs() - sinceMs).toBeLessThan(30_000);
  });
});

describe('whatever the crash loop is like', () => {
  it('a failed trial leaves the rest running', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          retryDelay: fc.integer({ min: 3, max: 900 }),
          maxRetries: fc.nat({ max: 3 }),
          backoff: fc.constantFrom('never', 'reboot', '30', '3600'),
          policy: fc.constantFrom('always', 'on-failure', 'unless-stopped'),
          waitMs: fc.nat({ max: 200_000 }),
          crashMs: fc.nat({ max: 5_000 }),
        }),
        async ({ retryDelay, maxRetries, backoff, policy, waitMs, crashMs }) => {
          const recovery = { policy, max_retries: maxRetries, backoff_policy: backoff, retry_delay: retryDelay };
          const loop = { auto_recovery: recovery };
          const rig = await withCrashLoop(loop);
          rig.behaviour('loop', { ...crash, exitAfterMs: crashMs + 1 });
          await rig.host.advance(waitMs);
          const good = rig.pidOf('good');
          breakApp(rig);
          expect(await rig.run(failing(loop), 'locals/2')).toMatch(/^ERROR .*app.*no init/);
          rig.newLog();
          await rig.host.advance(100_000);
          expectAsBefore(rig, good);
          expect(rig.newLog(LIFE).filter((line) => /good/.test(line))).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
  });
});

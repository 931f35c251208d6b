/** What follows when a container ends on its own: its policy decides, by its real exit status. */
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const APP = { name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 20 };

const recovering = (behaviour: string, recovery?: Readonly<Record<string, unknown>>): RealState =>
  realState()
    .group(APP)
    .container('web', { behaviour, run: { auto_recovery: recovery } });

/** One line in the container's console for every start. */
const startsOf = (device: RealDevice): number => device.console('locals/app', 'web').split('begun').length - 1;

/** A console is followed from a second after the start on. */
const startedTimes = (device: RealDevice, count: number): Promise<void> =>
  until(`its console tells of ${count} starts`, () => startsOf(device) === count, { detail: () => startsOf(device) });

const observed = async (device: RealDevice) => (await device.resource('container/web'))?.observed;

const control = async (device: RealDevice, action: string): Promise<number> =>
  (await device.request('PUT', '/containers/web', { action })).status;

describeSystem('recovery', () => {
  test('on-failure: a container that ended with 0 has done its work', async ({ device }) => {
    await device.start();
    const state = recovering('echo begun; pause 0.3; exit 0', { policy: 'on-failure', retry_delay: 0 });
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    await until('it has ended', async () => (await device.stateOf('web')) === 'STOPPED');
    await device.converged();
    expect(await observed(device)).toMatchObject({ phase: 'exited', exit: { type: 'code', code: 0 }, retries: 0 });
    await startedTimes(device, 1);
  });

  test('on-failure: one that ended with 3 is started again, after the delay', async ({ device }) => {
    await device.start();
    const behaviour = 'echo begun; [ -e /kept/once ] || { touch /kept/once; pause 0.3; exit 3; }';
    const run = {
      auto_recovery: { policy: 'on-failure', retry_delay: 2 },
      storage: { kept: { persistence: 'permanent' }, 'lxc-overlay': { persistence: 'boot' } },
    };
    const state = realState()
      .group(APP)
      .container('web', { behaviour, run, binds: { kept: 'kept' } });
    await device.deploy('app', state);
    await until('it waits for its restart', async () => (await device.stateOf('web')) === 'RECOVERING');
    const { exitedAtMs } = (await observed(device)) as { readonly exitedAtMs: number }; // it has ended
    expect(await device.resource('container/web')).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringMatching(/exit code 3; retry 1 by policy 'on-failure'/),
    });
    await device.becomes('web', 'STARTED');
    // By the daemon's own clock: how late we hear of it says nothing about the delay.
    const again = (await observed(device)) as { readonly run: { readonly startedAtMs: number } };
    expect(again).toMatchObject({ retries: 1 });
    expect(again.run.startedAtMs - exitedAtMs).toBeGreaterThanOrEqual(2_000);
    await startedTimes(device, 2);
  });

  test('on-failure: a signal is a failure', async ({ device }) => {
    await device.start();
    await device.deploy('app', recovering('', { policy: 'on-failure', retry_delay: 30 }));
    process.kill(await device.becomes('web', 'STARTED'), 'SIGKILL');
    await until('it recovers', async () => (await device.stateOf('web')) === 'RECOVERING');
    expect((await device.resource('container/web'))?.reason).toContain('signal 9');
  });

  test('unless-stopped: comes back from every end but that by an operator', async ({ device }) => {
    await device.start();
    const behaviour = "echo begun; trap 'exit 0' TERM USR1";
    await device.deploy('app', recovering(behaviour, { policy: 'unless-stopped', retry_delay: 0 }));
    await until('it has begun', () => startsOf(device) === 1);
    const first = await device.becomes('web', 'STARTED');
    process.kill(first, 'SIGUSR1');
    const second = await device.becomes('web', 'STARTED', first);
    expect(await control(device, 'stop')).toBe(200);
    await until('it is stopped', async () => (await device.stateOf('web')) === 'STOPPED');
    await device.converged();
    expect(await device.pidOf('web')).toBeUndefined();
    await device.kill();
    await device.start();
    await device.converged();
    expect(await device.stateOf('web')).toBe('STOPPED');
    expect(await control(device, 'start')).toBe(200);
    const third = await device.becomes('web', 'STARTED', second);
    expect(await control(device, 'restart')).toBe(200);
    await device.becomes('web', 'STARTED', third);
  });

  test('always: comes back after a 0, too, and every end is counted', async ({ device }) => {
    await device.start();
    await device.deploy('app', recovering('echo begun; pause 0.2; exit 0', { policy: 'always', retry_delay: 0 }));
    await until('it was started three times', () => startsOf(device) >= 3);
    expect(await observed(device)).toMatchObject({ retries: expect.any(Number) });
  });

  test('gives up when the retries are used up and backoff_policy is never', async ({ device }) => {
    await device.start();
    const recovery = { policy: 'always', retry_delay: 0, max_retries: 1, backoff_policy: 'never' };
    // It ends when it is told to, so that it is committed before, however slow the machine is.
    const { status } = await device.deploy('app', recovering("trap 'exit 7' USR1; echo begun", recovery));
    expect(status).toBe('DONE');
    await startedTimes(device, 1);
    const first = await device.becomes('web', 'STARTED');
    process.kill(first, 'SIGUSR1');
    const second = await device.becomes('web', 'STARTED', first);
    await startedTimes(device, 2);
    process.kill(second, 'SIGUSR1');
    await until('it is given up', async () => (await device.resource('container/web'))?.outcome === 'stalled');
    expect((await device.resource('container/web'))?.reason).toMatch(/exit code 7, and all 1 retries are used up/);
    await startedTimes(device, 2);
    expect((await device.status()).conditions).toContainEqual(
      expect.objectContaining({ type: 'Degraded', status: 'True', message: expect.stringContaining('container/web') }),
    );
  });

  test('rests and begins anew when backoff_policy is a time', async ({ device }) => {
    await device.start();
    const recovery = { policy: 'always', retry_delay: 0, max_retries: 1, backoff_policy: '1s' };
    await device.deploy('app', recovering('echo begun; pause 0.3; exit 7', recovery));
    await until('it rests', async () => /rests for 1 s/.test((await device.resource('container/web'))?.reason ?? ''));
    await startedTimes(device, 2);
    await until('it begins anew', () => startsOf(device) > 2);
  });

  test('does not let an operator stop what is the system', async ({ device }) => {
    await device.start();
    const state = realState()
      .group({ ...APP, restart_policy: 'system' })
      .container('web');
    await device.deploy('app', state);
    const pid = await device.becomes('web', 'STARTED');
    expect(await control(device, 'stop')).toBe(403);
    expect(await device.pidOf('web')).toBe(pid);
  });

  test('commits only what holds its stable_timeout', async ({ device }) => {
    await device.start();
    const recovery = { policy: 'always', retry_delay: 0, stable_timeout: 2 };
    const began = performance.now();
    expect(await device.deploy('app', recovering('', recovery))).toMatchObject({ status: 'DONE' });
    expect(performance.now() - began).toBeGreaterThan(2_000);
  });
}, ['lxc', 'loop', 'squashfs']);

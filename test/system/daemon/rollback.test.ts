/** A revision that does not come up goes back to the last one, and what it did not change goes on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const GROUP = { name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 2 };

/** `stays` is the same in all of them, `changes` and `comes` are what is updated. */
const OLD = realState().group(GROUP).container('stays').container('changes', { behaviour: 'echo old >/tmp/version' });

const updated = (changes: Guest, comes?: Guest): RealState => {
  const state = realState().group(GROUP).container('stays').container('changes', changes);
  return comes === undefined ? state : state.container('comes', comes);
};

const begin = async (device: RealDevice): Promise<number> => {
  await device.start();
  expect(await device.deploy('old', OLD)).toMatchObject({ status: 'DONE' });
  return device.becomes('stays', 'STARTED');
};

/** From now on a revision is watched this long before it is committed. */
const watchFor = async (device: RealDevice, seconds: number): Promise<void> => {
  await device.kill();
  await device.start({ PV_UPDATER_COMMIT_DELAY: String(seconds) });
};

/** The old revision runs, whole, and `stays` never stopped. */
const isOldAgain = async (device: RealDevice, stays: number): Promise<void> => {
  await device.converged();
  expect(await device.status()).toMatchObject({ revision: 'locals/old', committed: 'locals/old', phase: 'running' });
  await until('the old version runs', async () => (await device.read('changes', '/tmp/version')) === 'old\n');
  expect(await device.pidOf('stays')).toBe(stays);
  expect(await device.stateOf('comes')).toBe('NONE');
  await until('nothing of comes is left', () => !device.traces().join().includes('/comes/'), { detail: device.traces });
};

describeSystem('rollback', () => {
  test('of a revision that misses a goal', async ({ device }) => {
    const stays = await begin(device);
    const late = updated({ run: { status_goal: 'READY' }, behaviour: 'echo new >/tmp/version' }, {});
    expect(await device.deploy('late', late)).toMatchObject({
      status: 'ERROR',
      'status-msg': 'Status goal not reached',
      reason: 'changes is STARTED, its goal is READY',
    });
    await isOldAgain(device, stays);
  });

  test.for([
    ['init does not exist', { lines: ['lxc.init.cmd = /nothing/here'] }],
    ['LXC file has a value that makes no sense', { lines: ['lxc.tty.max = many'] }],
    ['LXC file has a key that protects and that LXC does not know', { lines: ['lxc.seccomp.nonsense = true'] }],
    ['LXC file mounts what is not there', { lines: ['lxc.mount.entry = /nothing/here mnt none bind,create=dir 0 0'] }],
  ] as const)('of a revision with a container whose %s', async ([, guest], { device }) => {
    const stays = await begin(device);
    const { status, reason } = await device.deploy('broken', updated({}, guest));
    expect([status, reason]).toEqual(['ERROR', expect.stringContaining('comes')]);
    await isOldAgain(device, stays);
  });

  test('of a revision that crashes while it is watched', async ({ device }) => {
    const stays = await begin(device);
    await watchFor(device, 20);
    expect(await device.deploy('crashing', updated({ behaviour: 'pause 1; exit 9' }))).toMatchObject({
      status: 'ERROR',
      reason: expect.stringMatching(/changes.*exit code 9/),
    });
    await isOldAgain(device, stays);
  });

  test('of a revision whose retries are used up', async ({ device }) => {
    const stays = await begin(device);
    await watchFor(device, 20);
    const recovery = { policy: 'always', retry_delay: 0, max_retries: 2, backoff_policy: 'reboot' };
    const guest = { behaviour: 'echo begun; pause 0.2; exit 9', run: { auto_recovery: recovery } };
    expect(await device.deploy('crashing', updated(guest))).toMatchObject({
      status: 'ERROR',
      reason: expect.stringMatching(/all 2 retries are used up/),
    });
    const starts = (): number => device.console('locals/crashing', 'changes').split('begun').length - 1;
    await until('its console tells of all its starts', () => starts() === 3, { detail: starts });
    expect(device.console('locals/old', 'changes')).not.toContain('begun');
    const logs = async () =>
      String(JSON.parse((await device.request('GET', '/steps/locals/crashing/progress')).body).logs);
    await until('its progress has what it printed last', async () => (await logs()).includes('"msg":"begun"'), {
      detail: logs,
    });
    await isOldAgain(device, stays);
  });

  test('is remembered: what failed is not tried again, under no name, and not by the next daemon', async ({
    device,
  }) => {
    const stays = await begin(device);
    const broken = updated({}, { lines: ['lxc.init.cmd = /nothing/here'] });
    const { reason } = await device.deploy('broken', broken);
    expect(await device.deploy('twin', broken)).toMatchObject({ status: 'ERROR' });
    expect(existsSync(join(device.logs, 'locals/twin'))).toBe(false);
    await device.kill();
    await device.start();
    expect(await device.deploy('third', broken)).toMatchObject({ status: 'ERROR' });
    expect(existsSync(join(device.logs, 'locals/third'))).toBe(false);
    const told = await device.request('GET', '/steps/locals/broken/progress');
    expect(JSON.parse(told.body)).toMatchObject({ status: 'ERROR', 'status-msg': 'A container could not be started' });
    expect((await device.status()).failed).toContainEqual(
      expect.objectContaining({ revision: 'locals/broken', detail: reason }),
    );
    await isOldAgain(device, stays);
  });

  test('is no end: the next good revision is run', async ({ device }) => {
    const stays = await begin(device);
    await device.deploy('broken', updated({}, { lines: ['lxc.init.cmd = /nothing/here'] }));
    const good = updated({ behaviour: 'echo new >/tmp/version' }, {});
    expect(await device.deploy('good', good)).toMatchObject({ status: 'DONE' });
    await until('the new version runs', async () => (await device.read('changes', '/tmp/version')) === 'new\n');
    expect(await device.pidOf('stays')).toBe(stays);
    expect(await device.stateOf('comes')).toBe('STARTED');
  });

  test('of the first revision ends in the empty factory revision', async ({ device }) => {
    await device.start();
    const broken = realState().container('web', { lines: ['lxc.init.cmd = /nothing/here'] });
    expect(await device.deploy('broken', broken)).toMatchObject({ status: 'ERROR' });
    await device.converged();
    expect(await device.status()).toMatchObject({ revision: '0', committed: '0' });
    expect(await device.stateOf('web')).toBe('NONE');
  });
}, ['lxc', 'loop', 'squashfs']);

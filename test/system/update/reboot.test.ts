/** Updates that need a reboot, by the real daemon: it takes everything down, replaces itself, and boots the try once. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Progress } from '../../../resources/progress.ts';
import type { ResourceView } from '../../../runtime/api/status.ts';
import { parseGrubenv } from '../../../runtime/store/boot/grub.ts';
import { parseUboot } from '../../../runtime/store/boot/uboot.ts';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { type Guest, type RealState, realState } from '../daemon/real-state.ts';
import { until } from '../daemon/until.ts';
import { describeSystem } from '../require-root.ts';

const GOALS_SECONDS = 5;

/** Another timeout of the group: it belongs to no container, so it needs a reboot. */
const version = (number: number, web: Guest = {}): RealState =>
  realState()
    .group({ name: 'apps', restart_policy: 'container', status_goal: 'READY', timeout: GOALS_SECONDS + number })
    .container('web', { behaviour: 'signal ready', run: { group: 'apps' }, ...web })
    .container('db', { behaviour: 'signal ready', run: { group: 'apps' } });

const NEVER_READY: Guest = { behaviour: ':' };

const boots = ({ run }: RealDevice): number => {
  const file = join(run, '.boots');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
};

const progressOf = ({ storage }: RealDevice, name: string): Partial<Progress> => {
  const file = join(storage, 'trails/locals', name, '.pv/progress');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Progress) : {}; // the daemon wrote it
};

const failureOf = ({ storage }: RealDevice, name: string): unknown =>
  JSON.parse(readFileSync(join(storage, 'trails/locals', name, '.pv/failure'), 'utf8'));

const bootVariables = ({ storage }: RealDevice): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...parseUboot(readFileSync(join(storage, 'boot/uboot.txt')))].filter(([, value]) => value !== ''),
  );

const ON_ONE = { pv_rev: 'locals/one' };

const withOne = async (device: RealDevice, settings: Readonly<Record<string, string>> = {}): Promise<void> => {
  await device.start({ PV_UPDATER_REBOOT: '1', ...settings });
  expect(await device.deploy('one', version(1))).toMatchObject({ status: 'DONE' });
  await settled(device);
};

const pids = async (device: RealDevice): Promise<readonly (number | undefined)[]> =>
  Promise.all(['web', 'db'].map((name) => device.pidOf(name)));

describeSystem('an update that needs a reboot', () => {
  test('is committed by a new boot of the same process', async ({ device }) => {
    await withOne(device);
    const [before, pid, count] = [await pids(device), device.daemonPid(), boots(device)];
    const logged = device.log().length;
    expect(await device.deploy('two', version(2))).toMatchObject({ status: 'DONE' });
    expect(device.daemonPid()).toBe(pid);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(boots(device)).toBe(count + 1);
    const after = await pids(device);
    for (const [index, old] of before.entries()) {
      expect(after[index]).toBeDefined();
      expect(after[index]).not.toBe(old);
      expect(existsSync(`/proc/${old}`)).toBe(false);
    }
    const log = device.log().slice(logged);
    const [down, booted] = [log.lastIndexOf('container.remove'), log.indexOf('the device boots anew')];
    expect(down).toBeGreaterThan(-1);
    expect(booted).toBeGreaterThan(down);
    expect(log.indexOf('container.start')).toBeGreaterThan(booted);
    expect(bootVariables(device)).toEqual({ pv_rev: 'locals/two' });
  });

  test('falls back by a second boot when it misses its goals, and says why', async ({ device }) => {
    await withOne(device);
    const count = boots(device);
    const outcome = await device.deploy('two', version(2, NEVER_READY));
    expect(outcome).toMatchObject({
      status: 'ERROR',
      'status-msg': 'Status goal not reached',
      reason: 'web is STARTED, its goal is READY',
    });
    await settled(device);
    expect(boots(device)).toBe(count + 2);
    expect(bootVariables(device)).toEqual(ON_ONE);
    expect(progressOf(device, 'two')).toMatchObject({ status: 'ERROR', 'status-msg': 'Status goal not reached' });
    expect(failureOf(device, 'two')).toMatchObject({
      hash: version(2, NEVER_READY).hash,
      detail: 'web is STARTED, its goal is READY',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(await device.stateOf('web')).toBe('READY');
  });

  test('does not boot anything when only containers differ', async ({ device }) => {
    await withOne(device);
    const [count, [, db]] = [boots(device), await pids(device)];
    const changed = version(1, { behaviour: 'signal ready; : changed' });
    expect(await device.deploy('two', changed)).toMatchObject({ status: 'DONE' });
    expect(boots(device)).toBe(count);
    expect(await device.pidOf('db')).toBe(db);
  });

  test('goes on to the try when the daemon is killed on its way to the reboot', async ({ device }) => {
    await withOne(device);
    device.drop('two', version(2));
    await until('it is about to reboot', () => progressOf(device, 'two')['status-msg'] === 'Rebooting');
    await device.kill();
    await device.start();
    expect(await device.outcome('two', version(2).hash)).toMatchObject({ status: 'DONE' });
    expect(bootVariables(device)).toEqual({ pv_rev: 'locals/two' });
  });

  describe.each([
    ['while it is tried', 'INPROGRESS', 'Trying new revision', NEVER_READY],
    ['while it is tested', 'TESTING', 'Awaiting to set rollback point if update is stable', {}],
  ] as const)('%s', (_, status, message, web) => {
    const trying = async (device: RealDevice): Promise<void> => {
      await withOne(device, { PV_UPDATER_COMMIT_DELAY: '4' });
      device.drop('two', version(2, web));
      await until(message, () => progressOf(device, 'two')['status-msg'] === message);
      expect(progressOf(device, 'two').status).toBe(status);
      expect(bootVariables(device)).toEqual({ ...ON_ONE, pv_try: 'locals/two', pv_trying: 'locals/two' });
    };

    test('falls back when the daemon is killed', async ({ device }) => {
      await trying(device);
      await device.kill();
      await device.start();
      await fellBack(device, 'Unexpected rollback');
    });

    test('falls back when the daemon is told to end, and starts again', async ({ device }) => {
      await trying(device);
      expect(await device.stop()).toBe(0);
      expect(await device.left()).toEqual([]);
      await device.start();
      await fellBack(device, 'Unexpected rollback');
    });
  });

  test('is still tried once when the daemon is told to end before the reboot', async ({ device }) => {
    await withOne(device);
    // It takes its time to go, so that there is a way down to be met on.
    const slow = version(2, { behaviour: "trap 'pause 2; exit 0' TERM; signal ready" });
    expect(await device.deploy('slow', slow)).toMatchObject({ status: 'DONE' });
    device.drop('three', version(3));
    await until('it is about to reboot', () => progressOf(device, 'three')['status-msg'] === 'Rebooting');
    expect(await device.stop()).toBe(0);
    await device.start();
    expect(await device.outcome('three', version(3).hash)).toMatchObject({ status: 'DONE' });
    expect(bootVariables(device)).toEqual({ pv_rev: 'locals/three' });
  });

  test('keeps its variables in GRUB’s environment block when told so', async ({ device }) => {
    await withOne(device, { PV_BOOTLOADER_TYPE: 'grub' });
    expect(await device.deploy('two', version(2, NEVER_READY))).toMatchObject({ status: 'ERROR' });
    await settled(device);
    const block = readFileSync(join(device.storage, 'boot/grubenv'));
    expect(block.length).toBe(1024);
    expect(Object.fromEntries(parseGrubenv(block) ?? [])).toEqual(ON_ONE);
    expect(existsSync(join(device.storage, 'boot/uboot.txt'))).toBe(false);
  });

  test('does not start on a bootloader that it has not got', async ({ device }) => {
    await expect(device.start({ PV_BOOTLOADER_TYPE: 'rpiab' })).rejects.toThrow(
      /PV_BOOTLOADER_TYPE is "rpiab" \(from env\), which needs partitions that appengine mode has not got; set it to one of/,
    );
  });
}, ['lxc', 'loop', 'squashfs']);

/** Whatever came in between: it runs what is committed, and nothing holds it up. */
const isSettled = async (device: RealDevice): Promise<boolean> => {
  try {
    const { resources } = await device.status();
    const update = resources.find(({ ref }) => ref === 'update/device')?.observed ?? null;
    if (update === null || !('committed' in update)) return false;
    const isBusy = ['trial', 'rebooting', 'lifeline'].some((what) => what in update);
    return !isBusy && resources.every(isAtRest);
  } catch (error) {
    // While the daemon replaces itself nobody answers.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
};

const isAtRest = ({ kind, outcome }: ResourceView): boolean => kind === 'update' || outcome === 'converged';

const settled = (device: RealDevice): Promise<void> => until('the device is settled', () => isSettled(device));

const fellBack = async (device: RealDevice, message: string): Promise<void> => {
  expect(await device.outcome('two')).toMatchObject({ status: 'ERROR', 'status-msg': message });
  await settled(device);
  expect(bootVariables(device)).toEqual(ON_ONE);
  expect(await device.stateOf('web')).toBe('READY');
};

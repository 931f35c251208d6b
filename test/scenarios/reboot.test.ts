/** Updates that need a reboot, on a device that takes it: everything goes down, the try boots once, then it holds or falls back. */
import { describe, expect, it } from 'vitest';
import { type LocalRunOptions, localRun } from '../../runtime/device/local-run.ts';
import { DeviceError } from '../../runtime/host/host.ts';
import { aState, TEST_PATHS } from '../state-builder.ts';
import { storeObjects } from './objects.ts';
import { aRig, type Rig, startRig } from './rig.ts';
import { settled } from './settled.ts';

const GROUP = { name: 'apps', timeout: 30 };
const one = aState().group(GROUP).container('web', { group: 'apps' }).container('db', { group: 'apps' });
/** Another set of groups: nobody's container, so it needs a reboot. */
const two = aState()
  .group({ ...GROUP, timeout: 40 })
  .container('web', { group: 'apps' })
  .container('db', { group: 'apps' });
const BROKEN = { failsToStart: 'no such file' };

const aDevice = async (): Promise<Rig> => {
  const rig = await aRig({ rebootTransitions: true });
  await rig.propose(one, 'locals/one');
  const booted = await rig.rebooted();
  await booted.until(() => booted.update().committed.revision === 'locals/one');
  return booted;
};

const settledOn = async (rig: Rig, revision: string): Promise<void> => {
  await rig.until(() => rig.update().trial === undefined && rig.update().committed.revision === revision);
  await rig.rest();
};

describe('an update that needs a reboot', () => {
  it('takes everything down, boots, and is committed there', async () => {
    const rig = await aDevice();
    rig.newLog();
    await rig.propose(two, 'locals/two');
    await rig.until(() => rig.update().rebooting !== undefined);
    expect(rig.update().rebooting).toBe('groups.json changed and belongs to no container');
    const booted = await rig.rebooted();
    expect(
      rig
        .newLog(/^(halt|unmount|start)/)
        .filter((deed) => deed.startsWith('halt'))
        .sort(),
    ).toEqual(['halt db', 'halt web']);
    await settledOn(booted, 'locals/two');
    expect(booted.statusOf('web')).toBe('STARTED');
    expect(await booted.device.store.bootVariables()).toEqual({ committed: 'locals/two' });
  });

  it('says so in its progress', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    await rig.until(() => rig.update().rebooting !== undefined);
    expect((await rig.device.store.progress('locals/two'))?.['status-msg']).toBe('Rebooting');
    const booted = await rig.rebooted();
    await booted.until(() => booted.update().trial?.commitAtMs !== undefined);
    expect((await booted.device.store.progress('locals/two'))?.['status-msg']).toBe(
      'Awaiting to set rollback point if update is stable',
    );
  });

  it('falls back by another reboot when it misses its goals, with the reason', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    // Of all boots: what was committed works again.
    let starts = 0;
    rig.behaviour('web', () => {
      starts += 1;
      return starts <= 3 ? BROKEN : {};
    });
    const trying = await rig.rebooted();
    const back = await trying.rebooted();
    await settledOn(back, 'locals/one');
    expect(back.update().failures['locals/two']).toMatchObject({
      status: 'ERROR',
      message: 'A container could not be started',
    });
    expect(back.update().lifeline).toBeUndefined();
    expect(back.statusOf('web')).toBe('STARTED');
  });

  it('is tried once: a power cut during the trial boots what was committed', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    const trying = await rig.rebooted();
    await trying.until(() => trying.update().trial?.commitAtMs !== undefined);
    const back = await trying.afterPowerCut();
    await settledOn(back, 'locals/one');
    expect(back.update().failures['locals/two']?.message).toBe('Unexpected rollback');
  });

  it('is still to be tried when the power fails before the reboot', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    await rig.until(() => rig.update().rebooting !== undefined);
    const trying = await rig.afterPowerCut();
    await settledOn(trying, 'locals/two');
  });

  it('goes on to its reboot when the daemon dies on the way down', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    await rig.until(() => rig.update().rebooting !== undefined);
    const next = await rig.restarted();
    expect(next.update().rebooting).toBeDefined();
    const trying = await next.rebooted();
    await settledOn(trying, 'locals/two');
  });

  it('is rolled back by a reboot when the daemon dies during the trial', async () => {
    const rig = await aDevice();
    await rig.propose(two, 'locals/two');
    const trying = await rig.rebooted();
    await trying.until(() => trying.update().trial?.commitAtMs !== undefined);
    const next = await trying.restarted();
    const back = await next.rebooted();
    await settledOn(back, 'locals/one');
    expect(back.update().failures['locals/two']?.message).toBe('Unexpected rollback');
  });
});

describe('a boot on a storage that takes nothing', () => {
  it.each(['ENOSPC', 'EROFS', 'EIO'])(
    'runs what is committed, and tells later why the other was not tried: %s',
    async (code) => {
      const rig = await aDevice();
      await rig.propose(two, 'locals/two');
      await rig.until(() => rig.update().rebooting !== undefined);
      const next = rig.host.powerCut();
      rig.device.stop();
      const writes = ['write', 'writeStream', 'append', 'rename', 'link', 'symlink', 'remove'];
      next.faults = {
        before: ({ name, subject }) =>
          subject.startsWith('/storage/') && writes.includes(name) ? new DeviceError(name, subject, code) : undefined,
      };
      const booted = await startRig(next, { rebootTransitions: true });
      await booted.until(() => booted.statusOf('web') === 'STARTED' && booted.statusOf('db') === 'STARTED');
      expect(booted.device.loop.latest().revision).toBe('locals/one');
      expect(booted.update().committed.revision).toBe('locals/one');
      booted.host.faults = {};
      await settledOn(booted, 'locals/one');
      expect(booted.update().failures['locals/two']).toMatchObject({
        message: 'Unexpected rollback',
        detail: 'it was not tried: the boot could not mark it as tried, because the storage took nothing',
      });
    },
  );
});

describe('an update that needs none', () => {
  it('stops and starts the container that differs, and boots nothing', async () => {
    const rig = await aDevice();
    const pid = rig.pidOf('db');
    const changed = one.object('web/extra');
    expect(await rig.run(changed, 'locals/three')).toBe('DONE');
    expect(rig.pidOf('db')).toBe(pid);
    expect(rig.host.rebooting).toBe(false);
  });

  it('is not tried again by the boot after a power cut', async () => {
    const rig = await aDevice();
    await rig.propose(one.object('web/extra'), 'locals/three');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    const back = await rig.afterPowerCut();
    await settledOn(back, 'locals/one');
  });
});

const deviceOf = ({ device, host }: Rig): LocalRunOptions => ({
  ...{ device, host, paths: TEST_PATHS, onProblem: () => undefined },
  onBug: (error) => {
    throw error;
  },
});

describe('after a rollback to a revision that fails, too', () => {
  it('safe mode runs only what has the role mgmt, and says why', async () => {
    const manager = aState()
      .group(GROUP)
      .container('manager', { group: 'apps', roles: ['mgmt'] })
      .container('web', { group: 'apps', roles: ['nobody'] });
    const first = await aRig({ rebootTransitions: true });
    await first.propose(manager, 'locals/one');
    const rig = await first.rebooted();
    await settledOn(rig, 'locals/one');
    rig.behaviour('web', BROKEN);
    await rig.propose(manager.object('web/extra'), 'locals/two');
    await rig.until(() => rig.update().lifeline?.stage === 'safe');
    await rig.rest();
    expect(rig.statusOf('manager')).toBe('STARTED');
    expect(rig.reasonOf('container/web'), 'it stays listed').toBe('safe mode: only containers with role mgmt run');
    expect(rig.reasonOf('update/device')).toMatch(
      /^safe mode, only containers with role mgmt run: locals\/one failed too/,
    );
  });

  it('the factory revision runs in its place, and safe mode comes only when that fails as well', async () => {
    const first = await aDevice();
    const factory = aState().group(GROUP).container('rescue', { group: 'apps' });
    await storeObjects(first.host, factory);
    await settled(first.host, first.device.store.propose('0', factory.toBytes()));
    first.behaviour('web', BROKEN);
    await first.propose(one.object('web/extra'), 'locals/two');
    await first.until(() => first.update().lifeline?.stage === 'factory');
    await first.rest();
    expect([first.statusOf('rescue'), first.statusOf('web')]).toEqual(['STARTED', 'NONE']);
    expect(first.reasonOf('update/device')).toMatch(
      /^revision 0 runs in place of locals\/one: locals\/one failed too: /,
    );

    const again = await first.afterPowerCut();
    for (const name of ['web', 'rescue']) again.behaviour(name, BROKEN);
    await again.until(() => again.update().lifeline?.stage === 'safe');
    expect(again.update().committed.revision).toBe('locals/one');
    expect(again.reasonOf('update/device')).toMatch(/^safe mode, only containers with role mgmt run: /);
  });

  it('leaves safe mode with the next revision that holds, not with the one that is held back', async () => {
    const rig = await aDevice();
    rig.behaviour('web', BROKEN);
    await rig.propose(one.object('web/extra'), 'locals/two');
    await rig.until(() => rig.update().lifeline?.stage === 'safe');
    const again = localRun(deviceOf(rig)).run('locals/one', false);
    await expect(settled(rig.host, again)).rejects.toThrow(/^locals\/one is held back after a rollback: .*reboot/);
    rig.behaviour('web', {});
    expect(await rig.run(one.object('web/other'), 'locals/four')).toBe('DONE');
    expect(rig.update().lifeline).toBeUndefined();
    expect(rig.statusOf('web')).toBe('STARTED');
  });
});

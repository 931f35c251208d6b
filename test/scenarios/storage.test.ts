/** Objects that rot, disks that fill up: what the whole device makes of it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { nextConditions } from '../../runtime/api/conditions.ts';
import type { StorageSettings } from '../../runtime/device/storage-maintenance.ts';
import { reserveSize } from '../../runtime/store/space/reserve.ts';
import { aState, type StateBuilder, sha256 } from '../state-builder.ts';
import { lxcFile } from './objects.ts';
import { aRig, type Rig, type RigOptions } from './rig.ts';
import { settled } from './settled.ts';

const STORAGE: StorageSettings = {
  checksum: true,
  reservedPercent: 5,
  keepFactory: false,
  pendingSeconds: 600,
  thresholdPercent: 0,
  defertimeSeconds: 600,
};

/** Containers whose objects are what their names say. */
const aSoundState = (...containers: readonly string[]): StateBuilder =>
  containers.reduce(
    (state, name) =>
      state
        .container(name)
        .with(`${name}/root.squashfs`, sha256(imageOf(name)))
        .with(`${name}/lxc.container.conf`, sha256(lxcFile(`${name}/lxc.container.conf`))),
    aState(),
  );
const imageOf = (name: string): string => `hsqs ${name}/root.squashfs`;
const objectOf = (name: string): string => `/storage/objects/${sha256(imageOf(name))}`;

let problems: string[];
let options: RigOptions;
beforeEach(() => {
  problems = [];
  options = { storage: STORAGE, onProblem: (subject, message) => problems.push(`${subject}: ${message}`) };
});

const degraded = (rig: Rig): string => {
  const conditions = nextConditions([], rig.device.loop.latest(), new Date(0));
  const condition = conditions.find(({ type }) => type === 'Degraded');
  return condition?.status === 'True' ? condition.message : '';
};
const read = async (rig: Rig, path: string): Promise<string | undefined> =>
  (await settled(rig.host, rig.host.operator.files.read(path, 10_000)))?.toString();

describe('a revision with a corrupt object', () => {
  test('is not tried, says why, and what runs is not touched', async () => {
    const rig = await aRig(options);
    expect(await rig.run(aSoundState('web'), 'locals/1')).toBe('DONE');
    const pid = rig.pidOf('web');
    rig.host.mischief.write(objectOf('db'), 'rotten');
    const outcome = await rig.run(aSoundState('web', 'db'), 'locals/2');
    expect(outcome).toMatch(/^WONTGO Object validation went wrong: db\/root\.squashfs: object [0-9a-f]{64} is missing/);
    expect(rig.pidOf('web')).toBe(pid);
    expect(problems.filter((problem) => problem.includes(sha256(imageOf('db'))))).toHaveLength(1);
    expect(await read(rig, `/storage/objects/.corrupt-${sha256(imageOf('db'))}`)).toBe('rotten');
    expect(rig.update().trial).toBeUndefined();
  });

  test('is tried with a sound copy from the watched directory', async () => {
    const rig = await aRig(options);
    rig.host.mischief.write(objectOf('web'), 'rotten');
    rig.host.mischief.write(`/storage/incoming/objects/${sha256(imageOf('web'))}`, imageOf('web'));
    expect(await rig.run(aSoundState('web'), 'locals/1')).toBe('DONE');
    expect(await read(rig, objectOf('web'))).toBe(imageOf('web'));
    expect(problems).toEqual([expect.stringContaining('moved to objects/.corrupt-')]);
  });

  test('is tried all the same when checksums are switched off', async () => {
    options = { ...options, storage: { ...STORAGE, checksum: false } };
    const rig = await aRig(options);
    rig.host.mischief.write(objectOf('web'), 'hsqs rotten');
    expect(await rig.run(aSoundState('web'), 'locals/1')).toBe('DONE');
  });
});

describe('the committed revision', () => {
  test('does not start a container whose content is corrupt, and starts it once there is a sound copy', async () => {
    let rig = await aRig(options);
    expect(await rig.run(aSoundState('web', 'db'), 'locals/1')).toBe('DONE');
    const id = sha256(lxcFile('db/lxc.container.conf'));
    rig.host.mischief.rot(`/storage/objects/${id}`, 'lxc.hook.pre-start = /bin/evil');
    rig = await rig.afterPowerCut();
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    await rig.rest();
    expect(rig.reasonOf('container/db')).toMatch(
      /^it is not started: db\/lxc\.container\.conf: object [0-9a-f]{64} is missing/,
    );
    expect(rig.newLog(/^start/)).toEqual(['start web']);
    rig.host.mischief.write(`/storage/incoming/objects/${id}`, lxcFile('db/lxc.container.conf'));
    await rig.until(() => rig.statusOf('db') === 'STARTED');
  });

  test('that rots while it runs goes on running, and the device says that it is degraded', async () => {
    let rig = await aRig(options);
    await rig.run(aSoundState('web', 'db'), 'locals/1');
    const pids = [rig.pidOf('web'), rig.pidOf('db')];
    rig.host.mischief.rot(objectOf('web'), 'rotten');
    rig = await rig.restarted();
    await rig.until(() => degraded(rig) !== '');
    await rig.host.advance(600_000);
    expect(degraded(rig)).toContain('revision locals/1 is damaged: web/root.squashfs');
    expect([rig.pidOf('web'), rig.pidOf('db')]).toEqual(pids);
    expect(await read(rig, objectOf('web'))).toBe('rotten');
  });

  test('that rotted while the device was off starts what is sound, and the rest when somebody brings it', async () => {
    let rig = await aRig(options);
    await rig.run(aSoundState('web', 'db'), 'locals/1');
    rig.host.mischief.rot(objectOf('web'), 'rotten');
    rig = await rig.afterPowerCut();
    await rig.until(() => rig.statusOf('db') === 'STARTED');
    await rig.host.advance(120_000);
    expect(rig.statusOf('web')).not.toBe('STARTED');
    expect(degraded(rig)).toContain('revision locals/1 is damaged');
    expect(rig.update().committed.revision).toBe('locals/1');

    rig.host.mischief.write(`/storage/incoming/objects/${sha256(imageOf('web'))}`, imageOf('web'));
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    await rig.until(() => degraded(rig) === '');
    expect(await read(rig, '/storage/trails/locals/1/web/root.squashfs')).toBe(imageOf('web'));
  });

  test('is put right from its own trail, inline JSON included', async () => {
    let rig = await aRig(options);
    await rig.run(aSoundState('web'), 'locals/1');
    const run = await read(rig, '/storage/trails/locals/1/web/run.json');
    rig.host.mischief.removeTree(objectOf('web'));
    rig.host.mischief.write('/storage/trails/locals/1/web/run.json', '{}');
    rig = await rig.afterPowerCut();
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    expect(await read(rig, objectOf('web'))).toBe(imageOf('web'));
    expect(await read(rig, '/storage/trails/locals/1/web/run.json')).toBe(run);
    expect(degraded(rig)).toBe('');
    expect(problems).toEqual(['revision locals/1: made anew: web/run.json']);
  });

  test('that is booted for a trial and rotted meanwhile is rolled back before anything of it starts', async () => {
    const first = await aRig({ ...options, rebootTransitions: true });
    await first.propose(aSoundState('web'), 'locals/1');
    let rig = await first.rebooted();
    await rig.until(() => rig.update().committed.revision === 'locals/1');
    const groups = [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container' }];
    await rig.propose(aSoundState('web', 'db').with('groups.json', groups), 'locals/2');
    await rig.until(() => rig.update().rebooting !== undefined);
    rig.host.mischief.rot(objectOf('db'), 'rotten');
    rig = await rig.rebooted();
    await rig.until(() => rig.update().failures['locals/2'] !== undefined);
    expect(rig.update().failures['locals/2']).toMatchObject({
      status: 'ERROR',
      message: 'Object validation went wrong',
    });
    expect(rig.newLog(/start db/)).toEqual([]);
  });

  test('is not read again by a daemon that starts within the same boot', async () => {
    const rig = await aRig(options);
    await rig.run(aSoundState('web'), 'locals/1');
    const images = (of: Rig): number =>
      of.host.trace.filter(({ name, subject }) => name === 'stream' && subject === objectOf('web')).length;
    const same = await rig.restarted();
    await same.rest();
    expect(images(same)).toBe(0);
    const next = await same.afterPowerCut();
    await next.rest();
    expect(images(next)).toBe(1);
  });
});

describe('a commit', () => {
  test('leaves the revision before it, and collects what is older', async () => {
    const rig = await aRig(options);
    for (const name of ['one', 'two', 'three']) expect(await rig.run(aSoundState(name), `locals/${name}`)).toBe('DONE');
    await rig.host.advance(1_000);
    expect(await settled(rig.host, rig.device.store.revisions())).toEqual(['0', 'locals/three', 'locals/two']);
  });

  test('leaves the volumes that an unchanged container keeps from an older revision', async () => {
    const rig = await aRig(options);
    const state = aSoundState('web').with('web/run.json', {
      ...(aSoundState('web').toValue()['web/run.json'] as object),
      storage: { 'lxc-overlay': { persistence: 'boot' }, data: { persistence: 'revision' } },
    });
    const also = (name: string): StateBuilder => {
      const extra = aSoundState(name).toValue();
      return Object.entries(extra).reduce((all, [key, value]) => all.with(key, value), state);
    };
    await rig.run(state, 'locals/one');
    const pid = rig.pidOf('web');
    for (const name of ['two', 'three']) await rig.run(also(name), `locals/${name}`);
    await rig.host.advance(1_000);
    await settled(rig.host, rig.device.collectGarbage());
    expect(rig.pidOf('web')).toBe(pid);
    expect(await settled(rig.host, rig.device.store.revisions())).toEqual(['locals/three']);
    expect(await settled(rig.host, rig.host.operator.files.list('/storage/disks/rev/locals'))).toEqual(['one']);
  });
});

describe('a disk that is full to the last byte', () => {
  const filled = async (): Promise<Rig> => {
    const rig = await aRig(options);
    await rig.run(aSoundState('web'), 'locals/1');
    await rig.host.advance(1_000);
    rig.host.mischief.leaveFree('/storage', 0);
    return rig;
  };

  test('leaves containers running, and a revision can be given up with its reason', async () => {
    const rig = await filled();
    const pid = rig.pidOf('web');
    const { store } = rig.device;
    await settled(
      rig.host,
      store.recordFailure({ revision: 'locals/1', hash: 'x', status: 'ERROR', message: 'm', detail: 'd' }),
    );
    await settled(rig.host, store.setTrying('locals/1'));
    await settled(rig.host, store.setTrying(undefined));
    expect((await settled(rig.host, store.failures()))['locals/1']?.detail).toBe('d');
    expect(rig.pidOf('web')).toBe(pid);
    expect(problems).toContain('storage: the disk is full: the emergency reserve is in use, and garbage is collected');
  });

  test('the reserve is made anew when there is room again', async () => {
    const rig = await filled();
    const { files } = rig.host.operator;
    const reserve = async (): Promise<number | undefined> =>
      (await settled(rig.host, files.stat('/storage/.reserve')))?.sizeBytes;
    const before = await reserve();
    expect(before).toBe(4 * 1024 * 1024);
    await settled(rig.host, rig.device.store.setTrying('locals/1'));
    await settled(rig.host, rig.device.store.setTrying(undefined));
    expect(await reserve()).not.toBe(before);
    rig.host.mischief.leaveFree('/storage', 1e9);
    await settled(rig.host, rig.device.collectGarbage());
    const { totalBytes } = await settled(rig.host, files.space('/storage'));
    expect(await reserve()).toBe(reserveSize(totalBytes));
  });

  test('a daemon that starts on it takes over what runs', async () => {
    let rig = await filled();
    const pid = rig.pidOf('web');
    rig = await rig.restarted();
    await rig.rest();
    expect(rig.pidOf('web')).toBe(pid);
    expect(degraded(rig)).toBe('');
  });

  test('the device boots on it', async () => {
    let rig = await filled();
    rig = await rig.afterPowerCut();
    rig.host.mischief.leaveFree('/storage', 0);
    await rig.until(() => rig.statusOf('web') === 'STARTED');
  });
});

test('below the threshold garbage is collected, once a minute at most', async () => {
  const rig = await aRig({ ...options, storage: { ...STORAGE, thresholdPercent: 50, defertimeSeconds: 0 } });
  await rig.run(aSoundState('one'), 'locals/one');
  await rig.run(aSoundState('two'), 'locals/two');
  await rig.host.advance(120_000);
  expect(await settled(rig.host, rig.device.store.revisions())).toContain('locals/one');
  rig.host.mischief.leaveFree('/storage', 1e6);
  await rig.host.advance(61_000);
  expect(await settled(rig.host, rig.device.store.revisions())).toEqual(['locals/two']);
});

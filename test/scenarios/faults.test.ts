import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../runtime/host/host.ts';
import type { Fault, Faults, Operation } from '../../runtime/host/simulated/operation.ts';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig, type RigOptions } from './rig.ts';

const apps = aState().group({ name: 'apps' });
const LIFE = /^(start|halt|kill)/;

/** The first operation of a kind about a subject meets a fault. */
const once = (kind: string, about: string, fault: Fault): NonNullable<Faults['before']> => {
  let isDone = false;
  return ({ port, name, subject }: Operation) => {
    if (isDone || `${port}.${name}` !== kind || !subject.includes(about)) return undefined;
    isDone = true;
    return fault;
  };
};

const running = async (state = apps.container('web'), options: RigOptions = {}): Promise<Rig> => {
  const rig = await aRig({ commitDelaySeconds: 0, ...options });
  expect(await rig.run(state)).toBe('DONE');
  await rig.rest();
  rig.newLog();
  return rig;
};

const recordOf = async ({ host }: Rig, container: string): Promise<{ run?: Record<string, unknown> }> =>
  JSON.parse(String(await host.operator.files.read(`/run/pantavisor/ledger/container/${container}.json`, 1 << 20)));

describe('a device that does not do as it says', () => {
  it('starts a container and says that it did not: the container is adopted, and watched like any other', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    rig.behaviour('web', { readyAfterMs: 2_000 });
    rig.host.faults = { after: once('containers.start', 'web', new DeviceError('start', 'web', 'TIMEOUT')) };
    expect(await rig.run(apps.container('web', { status_goal: 'READY' }))).toBe('DONE');
    await rig.rest();
    expect(rig.newLog(LIFE)).toEqual(['start web']);
    rig.host.mischief.unmount('/volumes/web/root.squashfs');
    await rig.host.advance(100);
    await rig.until(() => rig.statusOf('web') === 'READY');
    expect(rig.newLog(LIFE)).toEqual(['halt web', 'start web']);
    await expectIdle(rig);
  });

  it('answers when an action was given up long ago: nothing of it is done to what came after', async () => {
    const versions = ['one', 'two', 'three'].map((name) => apps.container('web').object('web/root.squashfs', name));
    const [one = apps, two = apps, three = apps] = versions;
    const rig = await aRig({ commitDelaySeconds: 0 });
    expect(await rig.run(one, 'locals/one')).toBe('DONE');
    rig.host.faults = { before: once('files.read', 'locals/two/web/lxc.container.conf', { delayMs: 90_000 }) };
    await rig.propose(two, 'locals/two');
    await rig.host.advance(30_000);
    expect(await rig.run(three, 'locals/three')).toBe('DONE');
    await rig.rest();
    rig.newLog();
    const [record, pid] = [await recordOf(rig, 'web'), rig.pidOf('web')];
    await rig.host.advance(200_000);
    expect(await recordOf(rig, 'web')).toEqual(record);
    expect([rig.pidOf('web'), rig.newLog()]).toEqual([pid, []]);
    await expectIdle(rig);
  });

  it('never answers when it is looked at: it is asked again', async () => {
    const rig = await running();
    rig.host.faults = { before: once('mounts.at', 'web/lxc-overlay', 'hang') };
    rig.host.mischief.unmount('/volumes/web/lxc-overlay');
    await rig.host.advance(40_000);
    expect(rig.newLog(LIFE)).toEqual(['halt web', 'start web']);
    await expectIdle(rig);
  });

  it('cannot read the ledger when a mount changes: nothing ends of it', async () => {
    const rig = await running();
    rig.host.faults = {
      before: ({ port, subject }) =>
        port === 'files' && subject.includes('ledger/disk') ? new DeviceError('list', subject, 'EIO') : undefined,
    };
    rig.host.mischief.unmount('/volumes/web/root.squashfs');
    await rig.host.advance(100);
    rig.host.faults = {};
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STARTED');
  });

  it('cannot write down how a container ended: it is written when it can', async () => {
    const rig = await running(apps.container('web', { auto_recovery: { policy: 'on-failure' } }));
    const full = new DeviceError('write', 'web.json', 'ENOSPC');
    rig.host.faults = {
      before: ({ name, subject }) => (name === 'write' && subject.includes('ledger/container') ? full : undefined),
    };
    rig.host.mischief.kill('web', { type: 'code', code: 0 });
    await rig.host.advance(5_000);
    rig.host.faults = {};
    await rig.until(() => rig.statusOf('web') === 'STOPPED');
    expect(rig.newLog(LIFE)).toEqual([]);
    await expectIdle(rig);
  });

  it('is slow to write: READY that comes meanwhile and the pid of init are both on record', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    rig.behaviour('web', { readyAfterMs: 0 });
    rig.host.faults = {
      before: ({ name, subject }) => {
        if (name === 'write' && subject.includes('container/web')) return { delayMs: 50 };
        return name === 'stat' && subject.endsWith('/upper') ? { delayMs: 20 } : undefined;
      },
    };
    await rig.run(apps.container('web', { status_goal: 'READY' }));
    await rig.rest();
    expect((await recordOf(rig, 'web')).run).toMatchObject({
      initPid: expect.any(Number),
      readyAtMs: expect.any(Number),
    });
  });

  it('answers a start that was given up long ago: the record of the next one stays as it is', async () => {
    const rig = await running();
    rig.host.faults = { after: once('containers.start', 'web', { delayMs: 100_000 }) };
    rig.host.mischief.kill('web');
    await rig.host.advance(70_000);
    rig.host.mischief.kill('web');
    await rig.host.advance(60_000);
    await rig.rest();
    expect(rig.statusOf('web')).toBe('STARTED');
    expect((await recordOf(rig, 'web')).run).toMatchObject({ initPid: rig.pidOf('web') });
    await expectIdle(rig);
  });
});

describe('a container whose record is lost', () => {
  it('is stopped, killed when it does not listen, and started anew with the next daemon', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    rig.behaviour('web', (_, attempt) => (attempt === 1 ? { ignoresHalt: true } : {}));
    await rig.run(apps.container('web'));
    await rig.rest();
    rig.host.mischief.removeTree('/run/pantavisor/ledger/container');
    const next = await rig.restarted();
    await next.rest();
    expect(next.newLog(LIFE)).toEqual(['halt web', 'kill web', 'start web']);
    await expectIdle(next);
  });
});

describe('LXC taking a container down', () => {
  it('is waited for, and not told to again', async () => {
    const failed: string[] = [];
    const onEvent: RigOptions['onEvent'] = (event) => {
      if (event.type === 'action.failed') failed.push(event.message);
    };
    const rig = await running(apps.container('web'), { onEvent });
    rig.behaviour('web', { ignoresHalt: true });
    await rig.control('web', 'restart');
    await rig.rest();
    await rig.control('web', 'stop');
    await rig.rest();
    expect(rig.newLog(/^kill/)).toEqual(['kill web']);
    expect(failed).toEqual([]);
  });
});

describe('what was given up and happens late', () => {
  const late = (kind: string, about: string): Faults => ({ before: once(kind, about, { delayMs: 60_000 }) });

  it.each(['write', 'makeDirectory'])('does not take the record of a later step away (%s)', async (name) => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    rig.host.faults = late(`files.${name}`, 'ledger/container');
    expect(await rig.run(apps.container('web'))).toBe('DONE');
    await rig.host.advance(120_000);
    expect((await recordOf(rig, 'web')).run).toMatchObject({ initPid: rig.pidOf('web') });
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.pidOf('web')).toBe(rig.pidOf('web'));
  });

  it('leaves no second zram device behind', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    const zram = {
      name: 'fast',
      type: 'swap-disk',
      format: 'swap',
      provision: 'zram',
      provision_options: 'disksize=8M',
    };
    rig.host.faults = late('disks.zramCreate', '');
    await rig.propose(apps.disk(zram).container('web'));
    await rig.host.advance(300_000);
    await rig.rest();
    expect(await rig.shutDown()).toEqual([]);
    expect([await rig.host.disks.contents('/dev/zram0'), await rig.host.disks.contents('/dev/zram1')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('does not keep the device from shutting down', async () => {
    const rig = await running();
    rig.host.faults = { before: ({ subject }) => (subject.includes('/history') ? 'hang' : undefined) };
    rig.host.mischief.kill('web');
    await rig.host.advance(1_000);
    expect(await rig.shutDown()).toEqual([]);
  });
});

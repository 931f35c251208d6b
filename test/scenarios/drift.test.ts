import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const web = {
  volumes: ['data.squashfs'],
  storage: { 'lxc-overlay': { persistence: 'permanent' }, scratch: { persistence: 'boot' } },
};
const state = aState().group({ name: 'apps' }).container('web', web).object('web/data.squashfs').container('app');

const running = async (): Promise<Rig> => {
  const rig = await aRig({ commitDelaySeconds: 0 });
  expect(await rig.run(state)).toBe('DONE');
  await rig.rest();
  rig.newLog();
  return rig;
};

const expectRepaired = async (rig: Rig, app: number | undefined): Promise<void> => {
  await expectIdle(rig);
  expect(rig.unfinished()).toBe('');
  expect([rig.statusOf('web'), rig.statusOf('app')]).toEqual(['STARTED', 'STARTED']);
  expect(rig.pidOf('app'), 'nobody else was disturbed').toBe(app);
};

describe('while it runs, the device is put right', () => {
  const RESTARTED = ['halt web', 'start web'];
  const cases: [string, (rig: Rig) => void, readonly string[]][] = [
    [
      'when a bound volume is unmounted: mounted again',
      (rig) => rig.host.mischief.unmount('/volumes/web/lxc-overlay'),
      [],
    ],
    [
      'when a tmpfs is unmounted: its content is lost, so restarted',
      (rig) => rig.host.mischief.unmount('/volumes/web/scratch'),
      RESTARTED,
    ],
    [
      'when an image is unmounted: restarted on the new one',
      (rig) => rig.host.mischief.unmount('/volumes/web/root.squashfs'),
      RESTARTED,
    ],
    [
      'when all volumes are unmounted',
      (rig) => {
        for (const name of ['lxc-overlay', 'scratch', 'data.squashfs', 'root.squashfs'])
          rig.host.mischief.unmount(`/volumes/web/${name}`);
      },
      RESTARTED,
    ],
    [
      'when a loop device loses its file: restarted',
      (rig) => rig.host.mischief.detachLoop('/volumes/web/root.squashfs'),
      RESTARTED,
    ],
    [
      'when the directory behind a bind is deleted: restarted on a new one',
      (rig) => rig.host.mischief.removeTree('/storage/disks/perm/web/lxc-overlay'),
      RESTARTED,
    ],
    [
      'when the writable layer is deleted: restarted',
      (rig) => rig.host.mischief.removeTree('/storage/disks/perm/web/lxc-overlay/upper'),
      RESTARTED,
    ],
    ['when init is killed', (rig) => rig.host.mischief.kill('web'), ['start web']],
    ['when the monitor is killed', (rig) => rig.host.mischief.killMonitor('web'), ['start web']],
    ['when it is frozen: it goes on', (rig) => rig.host.mischief.freeze('web'), []],
    ['when its LXC directory is deleted', (rig) => rig.host.mischief.removeTree('/run/pantavisor/lxc/web'), []],
  ];
  it.each(cases)('%s', async (_, mischief, expected) => {
    const rig = await running();
    const app = rig.pidOf('app');
    mischief(rig);
    await rig.host.advance(100);
    await rig.until(() => rig.unfinished() === '');
    expect(rig.newLog(LIFE)).toEqual(expected);
    await expectRepaired(rig, app);
  });

  it('and it is started anew when its LXC directory was deleted and it ends', async () => {
    const rig = await running();
    rig.host.mischief.removeTree('/run/pantavisor/lxc/web');
    rig.host.mischief.kill('web');
    await rig.host.advance(100);
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STARTED');
  });

  it('however often it happens', async () => {
    const rig = await running();
    for (let time = 0; time < 30; time += 1) {
      rig.host.mischief.unmount('/volumes/web/lxc-overlay');
      await rig.rest();
    }
    expect(rig.newLog()).toEqual(Array(30).fill('bind disks/perm/web/lxc-overlay on web/lxc-overlay'));
  });
});

describe('what somebody else mounted', () => {
  it('on top of a volume is told of and never touched, and the container does not see it', async () => {
    const rig = await running();
    const web = rig.pidOf('web');
    rig.host.mischief.mountOver('/volumes/web/root.squashfs');
    await rig.host.advance(600_000);
    const targets = await rig.host.operator.mounts.below('/volumes/web');
    expect(targets).toContain('/volumes/web/root.squashfs');
    expect(rig.newLog()).toEqual([]);
    expect(rig.pidOf('web')).toBe(web);
    expect(rig.reasonOf('volume/web/root.squashfs')).toBe(
      'something else is mounted on /volumes/web/root.squashfs: unmount it, it is not ours to touch',
    );
    await expectIdle(rig);
  });

  it('is gone again, and all is well', async () => {
    const rig = await running();
    rig.host.mischief.mountOver('/volumes/web/data.squashfs');
    await rig.host.settle();
    await rig.rest();
    rig.host.mischief.unmount('/volumes/web/data.squashfs');
    await rig.until(() => rig.unfinished() === '');
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STARTED');
  });

  it('elsewhere is none of our business', async () => {
    const rig = await running();
    rig.host.mischief.write('/mnt/somewhere/file', '');
    rig.host.mischief.mountOver('/mnt/somewhere');
    await expectIdle(rig);
  });
});

describe('a container under our directory that no revision knows', () => {
  it('is taken away at the next start', async () => {
    const rig = await running();
    rig.host.mischief.write('/run/pantavisor/lxc/stranger/config', 'lxc.init.cmd = /bin/true');
    const next = await rig.restarted();
    await expectIdle(next);
    expect(await next.host.operator.files.list('/run/pantavisor/lxc')).toEqual(['app', 'web']);
  });
});

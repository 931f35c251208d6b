import { describe, expect, it } from 'vitest';
import { aState, type StateBuilder } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig } from './rig.ts';

const apps = aState().group({ name: 'apps' });
const on = (disk: string, persistence = 'permanent') => ({
  storage: { 'lxc-overlay': { persistence, disk } },
});
const MOUNT = '/run/pantavisor/media/pv/dmcrypt';
const plain = apps.disk({ name: 'room', type: 'volume-disk' }).container('web', on('room'));
const block = apps
  .disk({ name: 'usb', type: 'volume-disk', path: '/dev/sda', provision: 'block', format: 'ext4' })
  .container('web', on('usb'));
const zram = { name: 'fast', provision: 'zram', provision_options: 'disksize=16M' };

describe('a disk', () => {
  const cases: [string, StateBuilder, string, readonly string[]][] = [
    [
      'that is a directory is bound, and its volumes lie on it',
      plain,
      'blank',
      [
        'bind pv/volume-disk/room on media/pv/dmcrypt/room',
        'bind media/pv/dmcrypt/room/perm/web/lxc-overlay on web/lxc-overlay',
      ],
    ],
    [
      'that is blank is formatted once',
      block,
      'blank',
      [
        'format /dev/sda as ext4',
        'mount /dev/sda on media/pv/dmcrypt/usb',
        'bind media/pv/dmcrypt/usb/perm/web/lxc-overlay on web/lxc-overlay',
      ],
    ],
    [
      'that holds its file system is only mounted',
      block,
      'ext4',
      ['mount /dev/sda on media/pv/dmcrypt/usb', 'bind media/pv/dmcrypt/usb/perm/web/lxc-overlay on web/lxc-overlay'],
    ],
    [
      'of compressed memory is made, formatted and mounted',
      apps.disk({ ...zram, type: 'volume-disk', format: 'ext4' }).container('web', on('fast', 'boot')),
      'blank',
      [
        'create /dev/zram0',
        'format /dev/zram0 as ext4',
        'mount /dev/zram0 on media/pv/dmcrypt/fast',
        'bind media/pv/dmcrypt/fast/boot/web/lxc-overlay on web/lxc-overlay',
      ],
    ],
    [
      'for swap is made of compressed memory',
      apps.disk({ ...zram, type: 'swap-disk', format: 'swap' }).container('web'),
      'blank',
      ['create /dev/zram0', 'format /dev/zram0 as swap', 'swap on /dev/zram0'],
    ],
    [
      'for swap is a file',
      apps
        .disk({
          name: 'swap',
          type: 'swap-disk',
          format: 'swap',
          provision: 'file',
          path: '/storage/swapfile',
          provision_options: 'size=64M',
        })
        .container('web'),
      'blank',
      ['allocate swapfile', 'format swapfile as swap', 'swap on swapfile'],
    ],
  ];
  it.each(cases)('%s', async (_, state, contents, expected) => {
    const rig = await aRig({ disks: { '/dev/sda': { contents } } });
    expect(await rig.run(state)).toBe('DONE');
    expect(rig.newLog().filter((deed) => !/(root.squashfs|tmpfs|start)/.test(deed))).toEqual(expected);
    await expectIdle(rig);
    expect(await rig.shutDown()).toEqual([]);
    expect(await rig.host.operator.mounts.below(MOUNT)).toEqual([]);
    expect(await rig.host.operator.disks.swaps()).toEqual([]);
  });

  it('keeps what was written to it over restarts, updates and boots', async () => {
    const rig = await aRig({ disks: { '/dev/sda': {} } });
    await rig.run(block, 'locals/1');
    rig.host.mischief.write('/volumes/web/lxc-overlay/note', 'kept');
    await rig.run(block.object('web/root.squashfs', 'another root'), 'locals/2');
    const boot = await rig.afterPowerCut();
    await boot.rest();
    expect((await boot.host.operator.files.read('/volumes/web/lxc-overlay/note', 10))?.toString()).toBe('kept');
    expect(boot.newLog(/^format/)).toEqual([]);
  });

  it('empties boot storage at every start', async () => {
    const rig = await aRig();
    await rig.run(apps.disk({ name: 'room', type: 'volume-disk' }).container('web', on('room', 'boot')));
    rig.host.mischief.write('/volumes/web/lxc-overlay/note', 'gone');
    await rig.control('web', 'restart');
    await rig.until(() => rig.unfinished() === '' && rig.statusOf('web') === 'STARTED');
    expect(await rig.host.operator.files.stat('/volumes/web/lxc-overlay/note')).toBeUndefined();
  });

  it('that is swapped off is swapped on again', async () => {
    const rig = await aRig();
    await rig.run(apps.disk({ ...zram, type: 'swap-disk', format: 'swap' }).container('web'));
    await rig.rest();
    rig.newLog();
    rig.host.mischief.swapOff('/dev/zram0');
    await rig.rest();
    expect(rig.newLog()).toEqual(['swap on /dev/zram0']);
    await expectIdle(rig);
  });

  it('that is unmounted under a running container is mounted again', async () => {
    const rig = await aRig({ disks: { '/dev/sda': {} } });
    await rig.run(block);
    const web = rig.pidOf('web');
    await rig.rest();
    rig.newLog();
    rig.host.mischief.unmount(`${MOUNT}/usb`);
    await rig.rest();
    expect(rig.newLog()).toEqual(['mount /dev/sda on media/pv/dmcrypt/usb']);
    expect(rig.pidOf('web')).toBe(web);
    await expectIdle(rig);
  });

  it('is taken down when no revision wants it, after its volumes', async () => {
    const rig = await aRig({ disks: { '/dev/sda': {} } });
    await rig.run(block, 'locals/1');
    rig.newLog();
    expect(await rig.run(apps.container('web'), 'locals/2')).toBe('DONE');
    await rig.rest();
    const log = rig.newLog();
    expect(log.indexOf('unmount media/pv/dmcrypt/usb')).toBeGreaterThan(log.indexOf('unmount web/lxc-overlay'));
    await expectIdle(rig);
  });

  it('made of memory goes with its revision', async () => {
    const rig = await aRig();
    await rig.run(apps.disk({ ...zram, type: 'swap-disk', format: 'swap' }).container('web'), 'locals/1');
    await rig.run(apps.container('web'), 'locals/2');
    await rig.rest();
    expect(rig.newLog(/zram/)).toEqual([
      'create /dev/zram0',
      'format /dev/zram0 as swap',
      'swap on /dev/zram0',
      'swap off /dev/zram0',
      'free /dev/zram0',
    ]);
  });

  it.each([
    ['swap', { swap: false }],
    ['zram', { zram: false }],
  ])('of a kernel without %s makes the trial fail with the reason', async (what, options) => {
    const rig = await aRig(options);
    const state = apps.disk({ ...zram, type: 'swap-disk', format: 'swap' }).container('web');
    expect(await rig.run(state)).toMatch(new RegExp(`this kernel has no ${what}`));
    await expectIdle(rig);
  });

  it('is found by the next daemon as it was', async () => {
    const rig = await aRig({ disks: { '/dev/sda': {} } });
    await rig.run(block.disk({ ...zram, type: 'swap-disk', format: 'swap' }));
    const next = await rig.restarted();
    await next.rest();
    expect(next.newLog()).toEqual([]);
    await expectIdle(next);
  });
});

import { describe, expect, test } from 'vitest';
import type { DiskSpec } from '../../../resources/kinds/disk.ts';
import { aState, compiled, compiling } from '../../state-builder.ts';

const MEDIA = '/run/pantavisor/media/pv/dmcrypt';
const mount = (target: string, more = {}) => ({ type: 'mount', target, formatOptions: [], mountFlags: [], ...more });
const swap = (more = {}) => ({ type: 'swap', formatOptions: [], swapOptions: [], ...more });

/** As a volume of persistence permanent uses it. */
const diskOf = (disk: Record<string, unknown>): DiskSpec | undefined => {
  const storage = disk['type'] === 'swap-disk' ? {} : { data: { persistence: 'permanent', disk: 'd' } };
  return compiled(
    aState()
      .disk({ name: 'd', ...disk })
      .container('web', { storage }),
  ).resources['disk/d'] as DiskSpec;
};

test.each([
  ['volume-disk', {}, { type: 'directory', path: '/storage/pv/volume-disk/d' }, mount(`${MEDIA}/d`)],
  [
    'volume-disk',
    { mount_target: '/mnt/d' },
    { type: 'directory', path: '/storage/pv/volume-disk/d' },
    mount('/mnt/d'),
  ],
  [
    'volume-disk',
    {
      provision: 'block',
      path: '/dev/sda1',
      format: 'ext4',
      format_options: '-b 1024',
      mount_options: 'MS_NOATIME, MS_NODEV',
    },
    { type: 'block', path: '/dev/sda1' },
    mount(`${MEDIA}/d`, { filesystem: 'ext4', formatOptions: ['-b', '1024'], mountFlags: ['MS_NOATIME', 'MS_NODEV'] }),
  ],
  [
    'volume-disk',
    { provision: 'zram', provision_options: 'comp_algorithm=lz4 disksize=8M', format: 'ext3' },
    {
      type: 'zram',
      settings: [
        ['comp_algorithm', 'lz4'],
        ['disksize', '8M'],
      ],
    },
    mount(`${MEDIA}/d`, { filesystem: 'ext3' }),
  ],
  ['swap-disk', { provision: 'block', path: '/dev/sda2' }, { type: 'block', path: '/dev/sda2' }, swap()],
  ['swap-disk', { path: '/dev/sda2' }, { type: 'block', path: '/dev/sda2' }, swap()],
  [
    'swap-disk',
    { provision: 'file', path: '/storage/swap', provision_options: 'size=16M', mount_options: '-p 5' },
    { type: 'file', path: '/storage/swap', sizeBytes: 16 * 1024 * 1024 },
    swap({ swapOptions: ['-p', '5'] }),
  ],
  [
    'swap-disk',
    { provision: 'zram', provision_options: 'disksize=8M' },
    { type: 'zram', settings: [['disksize', '8M']] },
    swap(),
  ],
])('a %s with %j is set up', (type, more, source, use) => {
  expect(diskOf({ type, ...more })).toEqual({ name: 'd', order: 0, source, use });
});

test.each([
  ['1', 1],
  ['2K', 2048],
  ['2kB', 2000],
  ['1G', 1024 ** 3],
  ['0', undefined],
  ['1X', undefined],
])('a swap file of size %s has %s bytes', (size, bytes) => {
  const disk = diskOf({ type: 'swap-disk', provision: 'file', path: '/s', provision_options: `size=${size}` });
  expect(disk?.source).toEqual({ type: 'file', path: '/s', sizeBytes: bytes ?? 0 });
  expect(disk?.unsupported !== undefined).toBe(bytes === undefined);
});

test.each([
  ['dm-crypt-versatile', { path: '/storage/x/disk.img,8,key' }, 'dm-crypt-versatile: not supported yet'],
  ['dm-crypt-caam', { path: '-v2 /storage/x/disk.img,8,key', mode: 'nxp' }, 'dm-crypt-caam: not supported yet'],
  ['dm-crypt-dcp', {}, 'dm-crypt-dcp: not supported yet'],
  ['dual', { disks: ['a', 'b'], init_order: ['primary'] }, 'dual: not supported yet'],
  ['swap-disk', { provision: 'block' }, 'a "path" is missing'],
  [
    'swap-disk',
    { provision: 'file', path: '/s' },
    'a swap file needs "provision_options": "size=…", for example "size=64M"',
  ],
  ['swap-disk', { provision: 'zram' }, 'zram needs "provision_options": "disksize=…"'],
  [
    'volume-disk',
    { provision: 'block', path: '/dev/x' },
    'a volume-disk with "provision" needs "format": "ext4" or "ext3"',
  ],
  [
    'volume-disk',
    { provision: 'block', path: '/dev/x', format: 'swap' },
    'a volume-disk with "provision" needs "format": "ext4" or "ext3"',
  ],
])('a %s with %j says why it cannot be set up', (type, more, unsupported) => {
  expect(diskOf({ type, ...more })).toMatchObject({ unsupported });
});

describe('which disks are brought up', () => {
  const state = aState()
    .disk({ name: 'swap', type: 'swap-disk', path: '/dev/a' })
    .disk({ name: 'idle', type: 'volume-disk' })
    .disk({ name: 'crypt', type: 'dm-crypt-dcp', path: '/storage/x.img,4,key', mode: 'mainline' })
    .disk({ name: 'used', type: 'volume-disk', aliases: ['used', 'alias'] })
    .disk({ name: 'main', type: 'volume-disk', default: 'yes' })
    .disk({ name: 'second', type: 'volume-disk', default: 'yes' })
    .container('web', { storage: { data: { persistence: 'permanent', disk: 'alias' } } });
  const disks = (): readonly string[] =>
    Object.keys(compiled(state).resources).filter((ref) => ref.startsWith('disk/'));

  test('swap, the first default one, those that volumes use by name or alias, and those that cannot be had here', () => {
    expect(disks()).toEqual(['disk/swap', 'disk/crypt', 'disk/used', 'disk/main']);
    expect(compiled(state).resources['volume/web/data']).toMatchObject({
      disk: 'disk/used',
      source: { type: 'directory', path: `${MEDIA}/used/perm/web/data` },
    });
  });
});

test.each([
  [
    'an unknown type',
    { type: 'floppy' },
    'disks.json[1].type is "floppy", expected one of "dm-crypt-versatile", "dm-crypt-caam", "dm-crypt-dcp", "swap-disk", "volume-disk", "dual"',
  ],
  ['no name', { name: undefined, type: 'dual' }, 'disks.json[1].name is nothing, expected a string'],
  ['an empty name', { name: '', type: 'dual' }, 'disks.json[1].name is "", expected a name without slashes'],
  ['a name that climbs', { name: '..', type: 'dual' }, 'disks.json[1].name is "..", expected a name without slashes'],
  ['an empty alias', { type: 'dual', aliases: [''] }, 'disks.json[1].aliases[0] is "", expected a name'],
  [
    "another disk's name as alias",
    { type: 'dual', aliases: ['a'] },
    'disks.json[1].aliases[0] is "a", expected an alias that does not name the disk "a" already',
  ],
  [
    "another disk's alias",
    { type: 'dual', aliases: ['x'] },
    'disks.json[1].aliases[0] is "x", expected an alias that does not name the disk "a" already',
  ],
  [
    'a relative path',
    { type: 'volume-disk', path: 'dev/x' },
    'disks.json[1].path is "dev/x", expected an absolute path without "." and ".."',
  ],
  [
    'a target that climbs',
    { type: 'volume-disk', mount_target: '/mnt/../etc' },
    'disks.json[1].mount_target is "/mnt/../etc", expected an absolute path without "." and ".."',
  ],
  [
    'the root as target',
    { type: 'volume-disk', mount_target: '/' },
    'disks.json[1].mount_target is "/", expected an absolute path without "." and ".."',
  ],
  [
    'mount options that are no flags',
    { type: 'volume-disk', mount_options: 'noatime' },
    'disks.json[1].mount_options is "noatime", expected a comma separated list of mount flags such as "MS_NOATIME,MS_NODEV"',
  ],
])('a disk with %s is refused', (_, disk, message) => {
  const result = compiling(
    aState()
      .disk({ name: 'a', type: 'dual', aliases: ['x'] })
      .disk({ name: 'b', ...disk }),
  );
  expect(result.ok ? [] : result.problems.map((problem) => problem.message)).toEqual([message]);
});

test('a lenient list leaves out the types it does not know', () => {
  const result = compiling(
    aState().with('disks_v3.json', [
      { name: 'a', type: 'floppy' },
      { name: 'b', type: 'swap-disk', path: '/dev/b' },
    ]),
  );
  expect(result.ok && Object.keys(result.state.resources)).toContain('disk/b');
  expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
    'disks_v3.json[0].type is "floppy", expected one of dm-crypt-versatile, dm-crypt-caam, dm-crypt-dcp, swap-disk, volume-disk, dual; the disk is left out',
  ]);
});

test.each([
  [
    'format',
    { format: 'btrfs' },
    'disks.json[0].format is "btrfs", expected one of "swap", "ext4", "ext3"; disks.json[0].format is left out',
  ],
  ['default', { default: true }, 'disks.json[0].default is true, expected one of "yes", "no"; "no" is used instead'],
  [
    'provision_ops',
    { provision_ops: 'disksize=1M' },
    'disks.json[0].provision_ops is an unknown key, expected a key of this manifest; nothing reads it; did you mean "provision_options"?',
  ],
])('what is not understood of %s is only warned about', (_, more, message) => {
  const result = compiling(aState().disk({ name: 'a', type: 'volume-disk', ...more }));
  expect(result.ok && result.warnings.map((problem) => problem.message)).toEqual([message]);
});

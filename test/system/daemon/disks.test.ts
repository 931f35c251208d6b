/** Disks: set up once, never at the cost of what is on them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const DISK = { name: 'data', type: 'volume-disk', default: 'yes' };

/** Counts its starts on the disk. */
const COUNTING: Guest = {
  run: { storage: { kept: { persistence: 'permanent' }, 'lxc-overlay': { persistence: 'boot' } } },
  binds: { kept: 'kept' },
  behaviour: 'echo start >>/kept/starts; touch /run/counted',
};

const stateOn = (disk: Readonly<Record<string, unknown>>, guest = COUNTING): RealState =>
  realState()
    .disk({ ...DISK, ...disk })
    .container('web', guest);

const starts = async (device: RealDevice): Promise<number | undefined> => {
  await until('it has counted', async () => (await device.read('web', '/run/counted')) !== undefined);
  return (await device.read('web', '/kept/starts'))?.trim().split('\n').length;
};

const restart = async (device: RealDevice): Promise<void> => {
  expect(await device.stop()).toBe(0);
  await device.start();
  await device.becomes('web', 'STARTED');
};

const blankFile = (device: RealDevice, name = 'backing'): string => {
  const file = join(device.directory, name);
  writeFileSync(file, '');
  truncateSync(file, 16 * 1024 * 1024);
  return file;
};

const uuidOf = (node: string): string =>
  execFileSync('blkid', ['-p', '-o', 'value', '-s', 'UUID', node], { encoding: 'utf8' }).trim();
const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const swaps = (): readonly string[] =>
  readFileSync('/proc/swaps', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s/)[0] ?? '');
const zrams = (): readonly string[] => readdirSync('/sys/block').filter((name) => name.startsWith('zram'));

const NEEDS = ['lxc', 'loop', 'squashfs', 'mkfs'] as const;

describeSystem(
  'disks',
  () => {
    test('of kind volume-disk are directories of the storage', async ({ device }) => {
      await device.start();
      expect(await device.deploy('first', stateOn({}))).toMatchObject({ status: 'DONE' });
      expect(await starts(device)).toBe(1);
      const file = join(device.storage, 'pv/volume-disk/data/perm/web/kept/starts');
      expect(readFileSync(file, 'utf8')).toBe('start\n');
      await restart(device);
      expect(await starts(device)).toBe(2);
    });

    test('are found by alias, and other volumes stay where they were', async ({ device }) => {
      await device.start();
      const storage = {
        kept: { persistence: 'permanent', disk: 'precious' },
        else: { persistence: 'permanent' },
        'lxc-overlay': { persistence: 'boot' },
      };
      const disk = { name: 'data', type: 'volume-disk', aliases: ['precious'] };
      const guest = { ...COUNTING, run: { storage } };
      expect(await device.deploy('first', realState().disk(disk).container('web', guest))).toMatchObject({
        status: 'DONE',
      });
      expect(existsSync(join(device.storage, 'pv/volume-disk/data/perm/web/kept'))).toBe(true);
      expect(existsSync(join(device.storage, 'disks/perm/web/else'))).toBe(true);
    });

    test('of a blank block device are formatted once', async ({ device }) => {
      const node = device.attach(blankFile(device));
      await device.start();
      const state = stateOn({ path: node, provision: 'block', format: 'ext4', mount_options: 'MS_NOATIME,MS_NODEV' });
      expect(await device.deploy('first', state)).toMatchObject({ status: 'DONE' });
      const uuid = uuidOf(node);
      expect(await starts(device)).toBe(1);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toMatch(new RegExp(`nodev,noatime.* - ext4 ${node} `));
      await restart(device);
      expect(await starts(device)).toBe(2);
      expect(uuidOf(node)).toBe(uuid);
    });

    test('that hold something else are never formatted', async ({ device }) => {
      const file = blankFile(device);
      execFileSync('mkfs.ext4', ['-q', file]);
      const [before, node] = [digest(file), device.attach(file)];
      await device.start();
      await device.deploy('first', realState().container('web'));
      const pid = await device.pidOf('web');
      const { status, reason } = await device.deploy(
        'second',
        stateOn({ path: node, provision: 'block', format: 'ext3' }),
      );
      expect([status, reason]).toEqual(['ERROR', expect.stringMatching(/holds ext4, expected ext3.*never formatted/)]);
      await device.converged();
      expect(digest(file)).toBe(before);
      // Its definition had changed: the old one was started anew.
      expect(await device.pidOf('web')).not.toBe(pid);
      expect(await device.stateOf('web')).toBe('STARTED');
    });

    test('that are not supported yet roll back, and say so', async ({ device }) => {
      await device.start();
      await device.deploy('first', realState().container('web'));
      const crypt = realState()
        .disk({ name: 'secret', type: 'dm-crypt-versatile', path: '/storage/secret.img,8,key' })
        .container('web')
        .container('app', { run: { storage: { kept: { persistence: 'permanent', disk: 'secret' } } } });
      const pid = await device.pidOf('web');
      expect(await device.deploy('second', crypt)).toMatchObject({
        status: 'ERROR',
        reason: expect.stringMatching(/dm-crypt-versatile: not supported yet/),
      });
      await device.converged();
      expect(await device.pidOf('web')).toBe(pid);
      expect(await device.status()).toMatchObject({ committed: 'locals/first', revision: 'locals/first' });
    });

    test('let go when the next revision does not have them', async ({ device }) => {
      const node = device.attach(blankFile(device));
      await device.start();
      await device.deploy('first', stateOn({ path: node, provision: 'block', format: 'ext4' }));
      expect(await device.deploy('second', realState().container('web'))).toMatchObject({ status: 'DONE' });
      await device.converged();
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(`${node} `);
      const uuid = uuidOf(node);
      expect(await device.deploy('third', stateOn({ path: node, provision: 'block', format: 'ext4' }))).toMatchObject({
        status: 'DONE',
      });
      expect([uuidOf(node), await starts(device)]).toEqual([uuid, 2]);
    });
  },
  NEEDS,
);

describeSystem('zram disks', () => {
  test('carry volumes, and are freed with them', async ({ device }) => {
    const before = zrams();
    await device.start();
    const state = stateOn({ provision: 'zram', provision_options: 'disksize=16M', format: 'ext4' });
    expect(await device.deploy('first', state)).toMatchObject({ status: 'DONE' });
    expect(await starts(device)).toBe(1);
    const [node = ''] = zrams().filter((name) => !before.includes(name));
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(`- ext4 /dev/${node} `);
    const pid = await device.pidOf('web');
    await device.kill();
    await device.start();
    await device.converged();
    expect(await device.pidOf('web')).toBe(pid);
    expect(await device.stop()).toBe(0);
    expect(zrams()).toEqual(before);
  });
}, [...NEEDS, 'zram']);

describeSystem('swap disks', () => {
  const SWAP = { name: 'swap', type: 'swap-disk', format: 'swap' };

  test('of a file are made, used, and taken back', async ({ device }) => {
    await device.start();
    const file = join(device.storage, 'swapfile');
    const disk = { ...SWAP, path: file, provision: 'file', provision_options: 'size=4M', mount_options: '-p 5' };
    expect(await device.deploy('first', realState().disk(disk).container('web'))).toMatchObject({ status: 'DONE' });
    expect(swaps()).toContain(file);
    const pid = await device.pidOf('web');
    execFileSync('swapoff', [file]);
    await until('it is used again', () => swaps().includes(file), { limitMs: 5_000 });
    await device.converged();
    expect(await device.pidOf('web')).toBe(pid);
    expect(await device.stop()).toBe(0);
    expect(swaps()).not.toContain(file);
  });

  test('of zram are made, used, and freed', async ({ device }) => {
    const before = zrams();
    await device.start();
    const disk = { ...SWAP, provision: 'zram', provision_options: 'disksize=8M' };
    expect(await device.deploy('first', realState().disk(disk).container('web'))).toMatchObject({ status: 'DONE' });
    const [node = ''] = zrams().filter((name) => !before.includes(name));
    expect(swaps()).toContain(`/dev/${node}`);
    expect(await device.deploy('second', realState().container('web'))).toMatchObject({ status: 'DONE' });
    await device.converged();
    expect(zrams()).toEqual(before);
  });
}, [...NEEDS, 'zram', 'swap']);

/** What the contract cannot ask of every host: block devices in use, partition tables, full disks, wrong settings. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linuxDisks as disks } from '../../../runtime/host/linux/disks/linux-disks.ts';
import { run, runSuccessfully } from '../../../runtime/host/linux/kernel/run-command.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch } from './scratch.ts';

const MIB = 1024 * 1024;
const sh = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8' });

describeSystem('disks of Linux', () => {
  let base: Scratch;
  let undo: (() => void)[] = [];
  const at = (path: string): string => `${base.root}/${path}`;

  beforeEach(() => {
    base = scratch('disks');
    undo = [];
  });
  afterEach(async () => {
    for (const step of undo.toReversed()) step();
    await base.remove();
  });

  const blank = (sizeBytes = 8 * MIB): string => {
    fs.writeFileSync(at('disk'), Buffer.alloc(sizeBytes), { mode: 0o600 });
    return at('disk');
  };
  const blockDevice = (): string => {
    const device = sh('losetup', '-f', '--show', blank()).trim();
    undo.push(() => sh('losetup', '-d', device));
    return device;
  };

  describe('formatting', () => {
    test('works on a block device, also by its symlink, and takes options', async () => {
      const device = blockDevice();
      expect(await disks.contents(device)).toBe('blank');
      fs.symlinkSync(device, at('by-name'));
      await disks.format(at('by-name'), 'ext4', ['-L', 'pvtest-label']);
      expect(await disks.contents(device)).toBe('ext4');
      expect(sh('blkid', '-p', '-o', 'value', '-s', 'LABEL', device).trim()).toBe('pvtest-label');
    });

    test('refuses a device that is mounted, even when it looks blank', async () => {
      const device = blockDevice();
      sh('mkfs.ext4', '-q', device);
      fs.mkdirSync(at('target'));
      sh('mount', device, at('target'));
      await expect(disks.format(device, 'ext4', [])).rejects.toMatchObject({ code: 'EBUSY' });
      sh('umount', at('target'));
      await expect(disks.format(device, 'ext4', [])).rejects.toMatchObject({ code: 'EEXIST' });
    });

    test.each<[string, (path: string) => unknown]>([
      ['a partition table', (path) => writeAt(path, 0, partitionTable())],
      ['a swap area', (path) => sh('mkswap', path)],
      [
        'an encrypted volume',
        (path) => writeAt(path, 0, Buffer.from('LUKS\xba\xbe\x00\x02\x00\x00\x00\x00\x00\x00\x40\x00', 'latin1')),
      ],
      ['a RAID member, marked near the end', (path) => writeAt(path, 8 * MIB - 64 * 1024, raidSuperblock())],
    ])('refuses %s', async (_, make) => {
      const path = blank();
      make(path);
      expect(await disks.contents(path)).not.toBe('blank');
      await expect(disks.format(path, 'ext4', [])).rejects.toMatchObject({ code: 'EEXIST' });
    });

    test('tells what the tool said when it fails, and leaves the device blank', async () => {
      const path = blank();
      const failure = disks.format(path, 'ext4', ['-O', 'no_such_feature']);
      await expect(failure).rejects.toMatchObject({
        code: 'FAILED',
        message: expect.stringContaining('no_such_feature'),
      });
      expect(await disks.contents(path)).toBe('blank');
    });

    test('takes no option for a path, and no path for an option', async () => {
      fs.writeFileSync(at('-n'), Buffer.alloc(8 * MIB));
      await disks.format(at('-n'), 'ext4', []);
      expect(await disks.contents(at('-n'))).toBe('ext4');
    });
  });

  test('neither a directory nor a character device is a disk', async () => {
    await expect(disks.contents(base.root)).rejects.toMatchObject({ code: 'ENOTBLK' });
    await expect(disks.contents('/dev/zero')).rejects.toMatchObject({ code: 'ENOTBLK' });
    await expect(disks.format(base.root, 'ext4', [])).rejects.toMatchObject({ name: 'DeviceError' });
  });

  describe('allocating', () => {
    test('really takes the blocks', async () => {
      await disks.allocate(at('file'), 3 * MIB + 1);
      const { size, blocks } = fs.statSync(at('file'));
      expect(size).toBe(3 * MIB + 1);
      expect(blocks * 512).toBeGreaterThanOrEqual(size);
    });

    test('on a full disk leaves nothing', async () => {
      fs.mkdirSync(at('small'));
      sh('mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', at('small'));
      await expect(disks.allocate(at('small/file'), 2 * MIB)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(fs.readdirSync(at('small'))).toEqual([]);
    });
  });

  test('commands: any exit code is an answer, a missing program an error that says so', async () => {
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    await expect(run('pvtest-no-such-program', [])).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(run('sh', ['-c', 'kill -9 $$'])).rejects.toMatchObject({ code: 'FAILED' });
    await expect(runSuccessfully('sh', ['-c', 'echo why >&2; exit 1'], 'x')).rejects.toThrow('why');
    // A tool that asks gets the end of input.
    expect(await run('sh', ['-c', 'read answer || echo none'])).toMatchObject({ stdout: 'none\n' });
  });
}, ['loop', 'mkfs']);

describeSystem('swap of Linux', () => {
  let base: Scratch;
  beforeEach(() => {
    base = scratch('swap');
  });
  afterEach(() => base.remove());

  test('takes its priority, and is known by a symlink as well', async () => {
    const path = `${base.root}/with space`;
    await disks.allocate(path, 8 * MIB);
    await disks.format(path, 'swap', []);
    fs.symlinkSync(path, `${base.root}/link`);
    await disks.swapOn(`${base.root}/link`, ['-p', '7']);
    await disks.swapOn(`${base.root}/link`, ['-p', '7']);
    expect(await disks.swaps()).toContain(path);
    expect(fs.readFileSync('/proc/swaps', 'utf8')).toMatch(/with\\040space\s.*\s7\n/);
    await disks.swapOff(`${base.root}/link`);
    expect(await disks.swaps()).not.toContain(path);
  });

  test('refuses what is no swap area', async () => {
    await disks.allocate(`${base.root}/file`, MIB);
    await expect(disks.swapOn(`${base.root}/file`, [])).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disks.swapOn(`${base.root}/missing`, [])).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disks.swapOff(`${base.root}/missing`)).resolves.toBeUndefined();
  });
}, ['swap', 'mkfs']);

describeSystem('zram of Linux', () => {
  const devices = (): readonly string[] => fs.readdirSync('/sys/block').filter((name) => name.startsWith('zram'));

  test.each([
    ['no size', [['max_comp_streams', '1']]],
    ['a size that is none', [['disksize', 'huge']]],
    ['a path for a setting', [['../loop0/uevent', 'x']]],
  ] as const)('refuses %s, and leaves no device', async (_, settings) => {
    const before = devices();
    await expect(disks.zramCreate(settings)).rejects.toMatchObject({ name: 'DeviceError', code: 'EINVAL' });
    expect(devices()).toEqual(before);
  });

  test('goes on without a setting that this kernel does not have', async () => {
    const node = await disks.zramCreate([
      ['no_such_setting', '1'],
      ['disksize', '8M'],
    ]);
    try {
      await disks.format(node, 'swap', []);
      await disks.swapOn(node, ['-p', '1']);
      await expect(disks.zramRemove(node)).rejects.toMatchObject({ code: 'EBUSY' });
      expect(await disks.contents(node)).toBe('swap');
    } finally {
      await disks.swapOff(node);
      await disks.zramRemove(node);
    }
    expect(devices()).not.toContain(node.replace('/dev/', ''));
  });

  test('removes nothing else', async () => {
    await expect(disks.zramRemove('/dev/loop0')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(disks.zramRemove('/dev/zram99999')).resolves.toBeUndefined();
  });
}, ['zram', 'swap']);

const writeAt = (path: string, position: number, bytes: Buffer): void => {
  const file = fs.openSync(path, 'r+');
  fs.writeSync(file, bytes, 0, bytes.length, position);
  fs.closeSync(file);
};

/** One partition of Linux, from sector 2048 on. */
const partitionTable = (): Buffer => {
  const sector = Buffer.alloc(512);
  sector.writeUInt8(0x83, 446 + 4);
  sector.writeUInt32LE(2048, 446 + 8);
  sector.writeUInt32LE(8192, 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
};

/** The superblock of version 0.90 of md, as much of it as is looked at. */
const raidSuperblock = (): Buffer => {
  const superblock = Buffer.alloc(4096);
  superblock.writeUInt32LE(0xa92b4efc, 0);
  superblock.writeUInt32LE(0, 4);
  superblock.writeUInt32LE(90, 8);
  superblock.writeUInt32LE(0x12345678, 20);
  superblock.writeUInt32LE(16, 32);
  return superblock;
};

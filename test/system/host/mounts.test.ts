/** What the contract cannot ask of every host: races, propagation, odd names, and other people's mounts. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Mounts } from '../../../runtime/host/host.ts';
import { attachLoop, backingFileOf, configureInTwoSteps } from '../../../runtime/host/linux/disks/loop-device.ts';
import { LinuxMounts } from '../../../runtime/host/linux/mounts/linux-mounts.ts';
import { MountTable } from '../../../runtime/host/linux/mounts/mount-table.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch, until } from './scratch.ts';
import { usesOf } from './traces-of.ts';

const sh = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8' });

describeSystem('mounts of Linux', () => {
  let base: Scratch;
  let table: MountTable;
  let mounts: Mounts;
  let closing: AbortController;
  const at = (path: string): string => `${base.root}/${path}`;
  const directory = (path: string): string => {
    mkdirSync(at(path), { recursive: true });
    return at(path);
  };

  beforeEach(() => {
    base = scratch('mounts');
    table = new MountTable();
    closing = new AbortController();
    mounts = new LinuxMounts(table, closing.signal);
  });
  afterEach(async () => {
    closing.abort();
    table.close();
    await base.remove();
  });

  const makeImage = (): string => {
    writeFileSync(`${directory('content')}/hello`, 'hello\n');
    sh('mksquashfs', at('content'), at('image.squashfs'), '-quiet', '-no-progress');
    return at('image.squashfs');
  };
  const mountImage = (image: string, target: string): Promise<void> =>
    mounts.mountImage({ image, target, filesystem: 'squashfs', readOnly: true });

  describe('images', () => {
    test('mounted all at the same time each get a loop device, and give it back', async () => {
      const image = makeImage();
      const targets = Array.from({ length: 16 }, (_, index) => directory(`target${index}`));
      await Promise.all(targets.map((target) => mountImage(image, target)));
      expect(usesOf(base.root).filter((use) => use.startsWith('/dev/loop'))).toHaveLength(16);
      await Promise.all(targets.map((target) => mounts.unmount(target)));
      await until(() => usesOf(base.root).length === 0);
    });

    test('that are writable take an ext4 journal and are found again', async () => {
      writeFileSync(at('disk'), Buffer.alloc(8 << 20));
      sh('mkfs.ext4', '-q', at('disk'));
      const target = directory('target');
      await mounts.mountImage({ image: at('disk'), target, filesystem: 'ext4', readOnly: false });
      writeFileSync(`${target}/file`, 'written');
      expect(readFileSync('/proc/self/mounts', 'utf8')).toMatch(new RegExp(`${target} ext4 \\S*data=journal`));
      await mounts.unmount(target);
      await mounts.mountDevice({ device: at('disk'), target, filesystem: 'ext4', flags: ['MS_NOSUID', 'MS_RDONLY'] });
      expect(readFileSync(`${target}/file`, 'utf8')).toBe('written');
      expect(await mounts.at(target)).toMatchObject({
        type: 'image',
        sources: [at('disk'), expect.stringMatching(/^\/dev\/loop\d+$/)],
        readOnly: true,
      });
    });

    test.each([
      ['a directory', (path: string) => mkdirSync(path)],
      ['a symlink to an image', (path: string) => symlinkSync(makeImage(), path)],
      ['a FIFO', (path: string) => sh('mkfifo', path)],
      ['an empty file', (path: string) => writeFileSync(path, '')],
    ])('are never %s', async (_, make) => {
      make(at('no-image'));
      await expect(mountImage(at('no-image'), directory('target'))).rejects.toMatchObject({ name: 'DeviceError' });
      expect(usesOf(base.root)).toEqual([]);
    });

    test('are attached by the calls of older kernels as well', async () => {
      const loop = await attachLoop(makeImage(), true, configureInTwoSteps);
      const number = loop.node.replace('/dev/loop', '7:');
      expect(await backingFileOf(number)).toEqual({ path: at('image.squashfs'), deleted: false });
      expect(() => writeFileSync(loop.node, 'x')).toThrow();
      await loop.handle.close();
      await until(() => usesOf(base.root).length === 0);
    });

    test('a path of a loop device that nobody set up has no backing file', async () => {
      expect(await backingFileOf('7:4095')).toBeUndefined();
    });
  });

  test.each(['with space', 'new\nline', 'tab\tbackslash\\', 'octal\\040', 'ünïcode', '#hash', 'x'.repeat(200)])(
    'a mount point named %j is found again',
    async (name) => {
      const [source, target] = [directory(`source ${name}`), directory(name)];
      await mounts.bind({ source, target, recursive: false, readOnly: false });
      expect(await mounts.at(target)).toMatchObject({ target, type: 'bind', sources: [source], deleted: false });
      expect(await mounts.below(base.root)).toEqual([target]);
      await mounts.unmount(target);
      expect(await mounts.at(target)).toBeUndefined();
    },
  );

  describe('other mounts', () => {
    test('are left alone when a recursive bind of a shared tree is taken off', async () => {
      const [source, target] = [directory('shared'), directory('target')];
      sh('mount', '-t', 'tmpfs', 'none', source);
      sh('mount', '--make-shared', source);
      sh('mount', '-t', 'tmpfs', 'none', directory('shared/inner'));
      writeFileSync(at('shared/inner/precious'), 'precious');
      await mounts.bind({ source, target, recursive: true, readOnly: false });
      expect(readFileSync(`${target}/inner/precious`, 'utf8')).toBe('precious');
      await mounts.unmount(target);
      expect(readFileSync(at('shared/inner/precious'), 'utf8')).toBe('precious');
      expect(await mounts.below(base.root)).toEqual([source, at('shared/inner')]);
    });

    test('of a shared tree do not appear in it when they are made in its bind', async () => {
      const [source, target] = [directory('shared'), directory('target')];
      sh('mount', '-t', 'tmpfs', 'none', source);
      sh('mount', '--make-shared', source);
      await mounts.bind({ source, target, recursive: false, readOnly: false });
      await mounts.mountTmpfs({ target: directory('target/inner') });
      expect(await mounts.below(source)).toEqual([]);
    });

    test('make an unmount wait: a busy mount is never detached behind its users', async () => {
      const target = directory('target');
      await mounts.mountTmpfs({ target });
      writeFileSync(`${target}/open`, '');
      const user = openSync(`${target}/open`, 'r');
      try {
        await expect(mounts.unmount(target)).rejects.toMatchObject({ code: 'EBUSY' });
        expect(await mounts.at(target)).toMatchObject({ type: 'tmpfs' });
      } finally {
        closeSync(user);
      }
      await mounts.unmount(target);
      expect(await mounts.at(target)).toBeUndefined();
    });
  });

  test('a read-only bind keeps the flags of its original, also for what is mounted inside', async () => {
    const [source, target] = [directory('source'), directory('target')];
    sh('mount', '-t', 'tmpfs', '-o', 'nosuid,nodev,noexec', 'none', source);
    sh('mount', '-t', 'tmpfs', '-o', 'nosuid', 'none', directory('source/inner'));
    await mounts.bind({ source, target, recursive: true, readOnly: true });
    expect(sh('findmnt', '-no', 'VFS-OPTIONS', target).trim()).toBe('ro,nosuid,nodev,noexec,relatime');
    expect(sh('findmnt', '-no', 'VFS-OPTIONS', `${target}/inner`).trim()).toBe('ro,nosuid,relatime');
    expect(sh('findmnt', '-no', 'VFS-OPTIONS', source).trim()).toBe('rw,nosuid,nodev,noexec,relatime');
  });

  test('a symlink is no mount point and no source', async () => {
    const [source, elsewhere] = [directory('source'), directory('elsewhere')];
    symlinkSync(elsewhere, at('link'));
    await expect(mounts.mountTmpfs({ target: at('link') })).rejects.toMatchObject({ code: 'ELOOP' });
    const request = { recursive: false, readOnly: false };
    await expect(mounts.bind({ ...request, source, target: at('link') })).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(mounts.bind({ ...request, source: at('link'), target: source })).rejects.toMatchObject({
      code: 'ELOOP',
    });
    expect(usesOf(base.root)).toEqual([]);
  });

  test('a directory that was removed and made anew is another tree', async () => {
    const [source, target] = [directory('source'), directory('target')];
    await mounts.bind({ source, target, recursive: false, readOnly: false });
    const before = await mounts.at(target);
    rmSync(source, { recursive: true });
    expect(await mounts.at(target)).toMatchObject({ deleted: true });
    mkdirSync(source);
    expect(await mounts.at(target)).toMatchObject({ deleted: true });
    // Somebody in another mount namespace, a container for instance, keeps the old tree.
    const holder = openSync(target, 'r');
    try {
      sh('umount', '-l', target);
      await mounts.bind({ source, target, recursive: false, readOnly: false });
      expect(await mounts.at(target)).toMatchObject({ deleted: false, sources: [source] });
      expect((await mounts.at(target))?.identity).not.toBe(before?.identity);
    } finally {
      closeSync(holder);
    }
  });

  test('the table is as it is now, also when somebody else mounts', async () => {
    const [steady, moving] = [directory('steady'), directory('moving')];
    await mounts.mountTmpfs({ target: steady });
    for (let round = 0; round < 10; round += 1) {
      sh('mount', '-t', 'tmpfs', 'none', moving);
      expect(await mounts.below(base.root)).toEqual([steady, moving]);
      sh('umount', moving);
      expect(await mounts.below(base.root)).toEqual([steady]);
    }
  });
}, ['loop', 'squashfs', 'mkfs']);

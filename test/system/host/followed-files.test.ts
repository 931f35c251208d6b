/** Following files below a root that somebody hostile owns, on a real file system. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FollowedFile } from '../../../runtime/host/followed-files.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { mount } from '../../../runtime/host/linux/kernel/libc.ts';
import { linuxFollowedFiles as files } from '../../../runtime/host/linux/logs/linux-followed-files.ts';
import { followedFilesContract } from '../../runtime/host/contract-followed-files.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch, until } from './scratch.ts';

describeSystem('followed files on Linux', () => {
  let device: Scratch;
  let path: string;
  const root = () => ({ path, isRight: async () => true });
  const inside = (name: string): string => join(path, name);
  const content = async (name: string): Promise<string | undefined> => {
    const file = await files.open(root(), name);
    const text = (await file?.read(0, 1000))?.toString();
    await file?.close();
    return text;
  };
  beforeEach(() => {
    device = scratch('followed');
    path = join(device.root, 'root');
    mkdirSync(inside('var/log'), { recursive: true });
    writeFileSync(join(device.root, 'secret'), 'of the host');
  });
  afterEach(() => device.remove());

  followedFilesContract('Linux', async () => ({ followed: files, files: linuxFiles, root: root(), until }));

  it('resolves symlinks as the owner of the root would, whatever is outside', async () => {
    writeFileSync(inside('var/log/real'), 'inside');
    symlinkSync('/var/log/real', inside('absolute'));
    symlinkSync('../../../../../../var/log/real', inside('var/above'));
    symlinkSync('/var', inside('v'));
    for (const name of ['/var/log/real', '/absolute', '/var/above', '/v/log/real', '/../../v/log/../log/real'])
      expect(await content(name), name).toBe('inside');
  });

  it('never leads out: not by a symlink, absolute, relative or of /proc', async () => {
    symlinkSync(join(device.root, 'secret'), inside('a'));
    symlinkSync('../secret', inside('b'));
    symlinkSync(`/proc/${process.pid}/root${device.root}/secret`, inside('c'));
    symlinkSync('/proc/self/root', inside('d'));
    for (const name of ['/a', '/b', '/c', `/d${device.root}/secret`, '/../secret', '/proc/self/root/etc/passwd'])
      expect(await content(name), name).toBeUndefined();
  });

  it('refuses symlinks without end and paths that are too long', async () => {
    symlinkSync('loop', inside('loop'));
    await expect(files.open(root(), '/loop')).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(files.open(root(), '/x/..'.repeat(500))).resolves.toBeUndefined();
    await expect(files.open(root(), '/var/..'.repeat(500))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    expect(await content(`/${'x'.repeat(300)}`)).toBeUndefined();
  });

  it('opens plain files only: no FIFO that would wait, no device that would do something', async () => {
    execFileSync('mkfifo', [inside('fifo')]);
    execFileSync('mknod', [inside('watchdog'), 'c', '10', '130']);
    for (const name of ['/fifo', '/watchdog', '/var/log', '/none', '/none/of/it'])
      expect(await content(name), name).toBeUndefined();
  });

  it('does not look below a root that turns out to be the wrong one', async () => {
    writeFileSync(inside('file'), 'x');
    expect(await files.open({ path, isRight: async () => false }, '/file')).toBeUndefined();
    expect(await files.open({ path: '/proc/4194304/root', isRight: async () => true }, '/file')).toBeUndefined();
  });

  it('goes through mounts, but asks nothing of one behind which somebody may never answer', async () => {
    mkdirSync(inside('ram'));
    mkdirSync(inside('hung'));
    symlinkSync('/hung/log', inside('link'));
    execFileSync('mount', ['-t', 'tmpfs', 'none', inside('ram')]);
    writeFileSync(inside('ram/log'), 'in memory');
    const fuse = openSync('/dev/fuse', 'r+');
    try {
      const options = `fd=${fuse},rootmode=40000,user_id=0,group_id=0`;
      await mount('pvtest', inside('hung'), { type: 'fuse', flags: 0, options });
      expect(await content('/ram/log')).toBe('in memory');
      for (const name of ['/hung/log', '/link'])
        await expect(files.open(root(), name)).rejects.toMatchObject({ code: 'EREMOTE' });
    } finally {
      closeSync(fuse);
      execFileSync('umount', ['-l', inside('hung'), inside('ram')]);
    }
  });

  it('leaves no descriptor open, found or not', async () => {
    writeFileSync(inside('var/log/a'), 'x');
    symlinkSync('/var/log/a', inside('b'));
    const count = (): number => Number(execFileSync('sh', ['-c', `ls /proc/${process.pid}/fd | wc -l`]).toString());
    await content('/b');
    const before = count();
    for (let at = 0; at < 20; at += 1) for (const name of ['/b', '/var/log/x', '/var', '/b/c']) await content(name);
    expect(count()).toBe(before);
  });

  it('remembers a position with the file, under whatever name', async () => {
    const name = inside('var/log/messages');
    writeFileSync(name, 'x');
    const open = async (at: string): Promise<FollowedFile> => {
      const file = await files.open(root(), at);
      if (file === undefined) throw new Error(`there is no ${at}`);
      return file;
    };
    const file = await open('/var/log/messages');
    expect(await file.position()).toBeUndefined();
    expect(await file.remember(12_345)).toBe(true);
    await file.close();
    renameSync(name, `${name}.1`);
    const renamed = await open('/var/log/messages.1');
    expect(await renamed.position()).toBe(12_345);
    expect(renamed.identity).toBe(file.identity);
    await renamed.close();
    // The number of an inode is given again at once; its birth is not.
    rmSync(`${name}.1`);
    writeFileSync(name, 'y');
    const other = await open('/var/log/messages');
    expect(await other.position()).toBeUndefined();
    expect(other.identity).not.toBe(file.identity);
    await other.close();
  });

  it('gives room back without moving anything, and empties', async () => {
    const name = inside('ring');
    writeFileSync(name, 'x'.repeat(1 << 20));
    const before = statSync(name).blocks;
    const file = await files.open(root(), '/ring');
    await file?.release(1 << 19);
    expect(statSync(name).size).toBe(1 << 20);
    expect(statSync(name).blocks).toBeLessThan(before);
    expect((await file?.read(1 << 19, 5))?.toString()).toBe('xxxxx');
    await file?.empty((await file.stat()).sizeBytes);
    expect(await file?.stat()).toEqual({ sizeBytes: 0, isNamed: true });
    rmSync(name);
    expect(await file?.stat()).toEqual({ sizeBytes: 0, isNamed: false });
    await file?.close();
  });

  it('hears of what happens to a file, and of one that is yet to come', async () => {
    let heard = 0;
    const listen = async (name: string) => {
      const subscription = files.watch(root(), name).subscribe(() => {
        heard += 1;
      });
      await until(() => heard > 0);
      heard = 0;
      return subscription;
    };
    const changes: readonly (readonly [string, () => void])[] = [
      ['/later/file', () => mkdirSync(inside('later'))],
      ['/later/file', () => writeFileSync(inside('later/file'), '')],
      ['/later/file', () => appendFileSync(inside('later/file'), 'x')],
      ['/later/file', () => renameSync(inside('later/file'), inside('gone'))],
    ];
    for (const [name, change] of changes) {
      const subscription = await listen(name);
      change();
      await until(() => heard > 0);
      subscription.unsubscribe();
      heard = 0;
    }
    expect(existsSync(inside('gone'))).toBe(true);
  });

  it('does not watch what a symlink out of the root leads to', async () => {
    symlinkSync(device.root, inside('out'));
    let heard = 0;
    const subscription = files.watch(root(), '/out/secret').subscribe(() => {
      heard += 1;
    });
    await until(() => heard === 1);
    linkSync(join(device.root, 'secret'), join(device.root, 'again'));
    appendFileSync(join(device.root, 'secret'), 'more');
    appendFileSync(inside('unrelated'), 'x'); // in the root, which is the nearest that exists
    await until(() => heard > 1);
    expect(readFileSync(join(device.root, 'secret'), 'utf8')).toBe('of the hostmore');
    subscription.unsubscribe();
  });
});

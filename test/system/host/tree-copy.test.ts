import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linuxFiles as files } from '../../../runtime/host/linux/files/linux-files.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch } from './scratch.ts';

const sh = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8' });

describeSystem('copying a tree', () => {
  let base: Scratch;
  const at = (path: string): string => `${base.root}/${path}`;
  const directory = (path: string): string => {
    fs.mkdirSync(at(path), { recursive: true });
    return at(path);
  };
  const file = (path: string, content = path): string => {
    fs.writeFileSync(at(path), content);
    return at(path);
  };

  beforeEach(() => {
    base = scratch('copy');
  });
  afterEach(() => base.remove());

  test('keeps hidden files, modes, owners and times, and follows symlinks inside', async () => {
    directory('from/.hidden');
    fs.symlinkSync('.hidden', at('from/alias'));
    fs.chownSync(file('from/.hidden/program'), 12, 34);
    fs.chmodSync(at('from/.hidden/program'), 0o4755);
    fs.utimesSync(at('from/.hidden/program'), 1000, 2000);
    fs.chmodSync(at('from'), 0o710);
    fs.utimesSync(at('from/.hidden'), 3000, 4000);
    await files.copyTree(at('from'), at('to'));
    for (const path of ['to/.hidden/program', 'to/alias/program']) {
      const { uid, gid, mode, mtimeMs } = fs.lstatSync(at(path));
      expect({ uid, gid, mode: mode & 0o7777, mtimeMs }).toEqual({
        uid: 12,
        gid: 34,
        mode: 0o4755,
        mtimeMs: 2_000_000,
      });
    }
    expect(fs.lstatSync(at('to/alias')).isDirectory()).toBe(true);
    expect(fs.lstatSync(at('to/.hidden')).mtimeMs).toBe(4_000_000);
    expect(fs.lstatSync(at('to')).mode & 0o7777).toBe(0o710);
  });

  test.each([
    ['to a file outside', '../secret', 'EPERM'],
    ['to an absolute path', '/etc/passwd', 'EPERM'],
    ['to a directory beside with a longer name', '../from-beside', 'EPERM'],
    ['to nothing', 'missing', 'ENOENT'],
    ['to the directory it is in', '.', 'ELOOP'],
  ])('refuses a symlink %s', async (_, target, code) => {
    directory('from/inner');
    directory('from-beside');
    file('secret');
    fs.symlinkSync(target, at('from/link'));
    await expect(files.copyTree(at('from'), at('to'))).rejects.toMatchObject({ code });
  });

  test('refuses what is neither file nor directory, and a missing tree', async () => {
    sh('mkfifo', `${directory('from')}/fifo`);
    await expect(files.copyTree(at('from'), at('to'))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(files.copyTree(at('missing'), at('to'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not empty a symlink that stands for the copy', async () => {
    directory('from');
    file('from/file');
    directory('precious');
    file('precious/file');
    fs.symlinkSync(at('precious'), at('to'));
    await expect(files.copyTree(at('from'), at('to'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(fs.readFileSync(at('precious/file'), 'utf8')).toBe('precious/file');
  });
});

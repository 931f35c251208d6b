/** What the contract cannot ask of every host: hostile trees, special files, umasks, full disks and power cuts. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linuxFiles as files } from '../../../runtime/host/linux/files/linux-files.ts';
import { sweepTemporaries, temporaryFor } from '../../../runtime/host/linux/files/temporary.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch } from './scratch.ts';

const sh = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8' });

describeSystem('files of Linux', () => {
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
    base = scratch('files');
  });
  afterEach(() => base.remove());

  describe('reading', () => {
    test('a FIFO or a device does not hang and is refused', async () => {
      sh('mkfifo', at('fifo'));
      await expect(files.read(at('fifo'), 10)).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(files.read('/dev/zero', 10)).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(files.read(base.root, 10)).rejects.toMatchObject({ code: 'EISDIR' });
    });

    test('files of /proc, which say that they are empty, gives their content', async () => {
      expect((await files.read('/proc/self/comm', 100))?.length).toBeGreaterThan(1);
      await expect(files.read('/proc/self/mountinfo', 10)).rejects.toMatchObject({ code: 'EFBIG' });
    });

    test('a file larger than one chunk gives every byte', async () => {
      const content = Buffer.alloc(700_000, 'abcdefg');
      fs.writeFileSync(at('large'), content);
      expect((await files.read(at('large'), 700_000))?.equals(content)).toBe(true);
      const parts: Uint8Array[] = [];
      for await (const part of files.stream(at('large'))) parts.push(part);
      expect(Buffer.concat(parts).equals(content)).toBe(true);
    });

    test('what lies below a file is absent', async () => {
      file('plain');
      expect(await files.stat(at('plain/x'))).toBeUndefined();
      expect(await files.list(at('plain'))).toBeUndefined();
      expect(await files.read(at('plain/x'), 1)).toBeUndefined();
    });
  });

  describe('writing', () => {
    test('gives exactly the mode that was asked for, whatever the umask', async () => {
      const before = process.umask(0o077);
      try {
        await files.makeDirectory(at('a/b'), 0o755);
        await files.write(at('a/b/file'), '', 0o666);
      } finally {
        process.umask(before);
      }
      expect(await files.stat(at('a'))).toMatchObject({ mode: 0o755 });
      expect(await files.stat(at('a/b'))).toMatchObject({ mode: 0o755 });
      expect(await files.stat(at('a/b/file'))).toMatchObject({ mode: 0o666 });
    });

    test('on a full disk leaves the old content and no temporary', async () => {
      const full = directory('full');
      sh('mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', full);
      await files.write(`${full}/file`, 'old', 0o600);
      await expect(files.write(`${full}/file`, 'x'.repeat(100_000), 0o600)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(fs.readFileSync(`${full}/file`, 'utf8')).toBe('old');
      expect(fs.readdirSync(full)).toEqual(['file']);
    });

    test('makes no directory through a symlink or in the place of a file', async () => {
      fs.symlinkSync(directory('elsewhere'), at('link'));
      await expect(files.makeDirectory(at('link'), 0o755)).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(files.makeDirectory(file('plain'), 0o755)).rejects.toMatchObject({ code: 'ENOTDIR' });
    });

    test('links only regular files, and replaces a symlink at the place instead of following it', async () => {
      fs.symlinkSync(file('object'), at('symlink'));
      await expect(files.link(at('symlink'), at('name'))).rejects.toMatchObject({ code: 'EINVAL' });
      fs.symlinkSync(file('victim'), at('trap'));
      await files.link(at('object'), at('trap'));
      expect(fs.lstatSync(at('trap')).ino).toBe(fs.lstatSync(at('object')).ino);
      expect(fs.readFileSync(at('victim'), 'utf8')).toBe('victim');
    });

    test('killed at any moment leaves the old content or the new, whole', async () => {
      const [old, next] = ['a'.repeat(200_000), 'b'.repeat(200_000)];
      const path = file('state', old);
      const module = new URL('../../../runtime/host/linux/files/writing.ts', import.meta.url).pathname;
      const script = `
        const { write } = await import(${JSON.stringify(module)});
        for (;;) for (const letter of ['a', 'b']) await write(${JSON.stringify(path)}, letter.repeat(200_000), 0o600);`;
      for (let round = 0; round < 5; round += 1) {
        const writer = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
        const ended = once(writer, 'exit');
        await sleep(150 + 7 * round);
        writer.kill('SIGKILL');
        await ended;
        expect([old, next]).toContain(fs.readFileSync(path, 'utf8'));
        expect(await files.list(base.root)).toEqual(['state']);
        await sweepTemporaries([base.root]);
        expect(fs.readdirSync(base.root)).toEqual(['state']);
      }
    });

    test('the sweep leaves what a living process is writing', async () => {
      const living = temporaryFor(at('file')).replace(`-${process.pid}-`, `-${process.ppid}-`);
      fs.writeFileSync(living, '');
      await sweepTemporaries([base.root, at('missing')]);
      expect(fs.existsSync(living)).toBe(true);
    });
  });

  describe('removing', () => {
    test('a tree deeper than a path can be long', async () => {
      const script = 'for (let i = 0; i < 3000; i++) { fs.mkdirSync("dd"); process.chdir("dd"); }';
      execFileSync(process.execPath, ['-e', script], { cwd: directory('deep') });
      await files.remove(at('deep'));
      expect(fs.existsSync(at('deep'))).toBe(false);
    });

    test('never enters a bind of the same file system, and removes nothing when there is one', async () => {
      directory('tree/mounted');
      file('tree/a');
      directory('precious');
      file('precious/file');
      sh('mount', '--bind', at('precious'), at('tree/mounted'));
      await expect(files.remove(at('tree'))).rejects.toMatchObject({ code: 'EBUSY' });
      expect(fs.readdirSync(at('tree'))).toEqual(['a', 'mounted']);
      expect(fs.readFileSync(at('precious/file'), 'utf8')).toBe('precious/file');
    });

    test('never enters what is mounted in the tree while it is being removed', async () => {
      directory('precious');
      file('precious/file');
      for (let index = 0; index < 50; index += 1) directory(`tree/${index}/x`);
      const last = fs.readdirSync(at('tree')).at(-1);
      const removal = files.remove(at('tree'));
      while (fs.readdirSync(at('tree')).length === 50) await new Promise(setImmediate);
      sh('mount', '--bind', at('precious'), at(`tree/${last}`));
      await expect(removal).rejects.toMatchObject({ code: 'EBUSY' });
      expect(fs.readdirSync(at('precious'))).toEqual(['file']);
    });

    test('never follows a directory that is swapped for a symlink meanwhile', async () => {
      directory('precious');
      file('precious/file');
      fs.symlinkSync(at('precious'), at('trap'));
      const script = `
        const fs = require('node:fs');
        const attempt = (from, to) => { try { fs.renameSync(from, to); } catch {} };
        for (;;) {
          attempt('tree/x', 'away'); attempt('trap', 'tree/x');
          attempt('tree/x', 'trap'); attempt('away', 'tree/x');
        }`;
      const attacker = spawn(process.execPath, ['-e', script], { cwd: base.root, stdio: 'ignore' });
      const ended = once(attacker, 'exit');
      try {
        for (let round = 0; round < 500 && fs.existsSync(at('precious/file')); round += 1) {
          // Put back what the attacker lost; when he is at it, the next round does.
          for (const restore of [() => directory('tree/x'), () => fs.symlinkSync(at('precious'), at('trap'))]) {
            try {
              restore();
            } catch {
              // It is there.
            }
          }
          // Whether it can be removed, or is refused because somebody is at it, is all the same.
          await files.remove(at('tree')).catch(() => undefined);
        }
      } finally {
        attacker.kill('SIGKILL');
        await ended;
      }
      expect(fs.readdirSync(at('precious'))).toEqual(['file']);
    });

    test('sockets, FIFOs, odd names and read-only directories', async () => {
      directory('tree/locked');
      file('tree/locked/file');
      fs.chmodSync(at('tree/locked'), 0o500);
      sh('mkfifo', at('tree/fifo'));
      file('tree/new\nline \\ \u{1f600}');
      await files.remove(at('tree'));
      expect(fs.readdirSync(base.root)).toEqual([]);
    });
  });
});

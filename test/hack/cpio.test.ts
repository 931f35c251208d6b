import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cpioOf } from '../../hack/device-image/cpio.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cpio-'));
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/tool'), 'odd');
  chmodSync(join(root, 'bin/tool'), 0o777);
  writeFileSync(join(root, 'text'), '');
  symlinkSync('bin/tool', join(root, 'link'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('an initial RAM disk', () => {
  it('is what cpio(1) reads: directories before what is in them, modes that do not depend on the umask', () => {
    const listed = execFileSync('busybox', ['cpio', '-tv'], { input: cpioOf(root), encoding: 'utf8' });
    const members = listed
      .trim()
      .split('\n')
      .map((line) => `${line.slice(0, 10)} ${line.replace(/^.*1970 /, '')}`);
    expect(members).toEqual([
      expect.stringMatching(/^drwxr-xr-x .*bin$/),
      expect.stringMatching(/^-rwxr-xr-x .*bin\/tool$/),
      expect.stringMatching(/^lrwxrwxrwx .*link -> bin\/tool$/),
      expect.stringMatching(/^-rw-r--r-- .*text$/),
    ]);
  });

  it('has the same bytes whenever its files were written', () => {
    const before = cpioOf(root);
    utimesSync(join(root, 'text'), 1, 1);
    expect(cpioOf(root).equals(before)).toBe(true);
  });
});

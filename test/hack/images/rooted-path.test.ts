import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rootedPath } from '../../../hack/images/rooted-path.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pvunit-'));
  mkdirSync(join(root, 'usr/lib'), { recursive: true });
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'usr/lib/libfoo.so.1.2'), '');
  writeFileSync(join(root, 'etc/passwd'), '');
  const links = {
    lib: 'usr/lib',
    'usr/lib/libfoo.so.1': 'libfoo.so.1.2',
    'usr/lib/absolute': '/lib/libfoo.so.1',
    'usr/lib/climbing': '../../../../../../etc/passwd',
    'usr/lib/loop': 'loop',
    'usr/lib/dangling': '/nowhere',
  };
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('a path in a tree that will be a root', () => {
  test.each([
    { truth: 'a file is where it is', path: '/etc/passwd', found: 'etc/passwd' },
    { truth: 'a linked directory is followed', path: '/lib/libfoo.so.1.2', found: 'usr/lib/libfoo.so.1.2' },
    {
      truth: 'a relative link is followed from its directory',
      path: '/lib/libfoo.so.1',
      found: 'usr/lib/libfoo.so.1.2',
    },
    {
      truth: 'an absolute link means the tree, not the machine',
      path: '/lib/absolute',
      found: 'usr/lib/libfoo.so.1.2',
    },
    { truth: 'a link cannot climb out', path: '/lib/climbing', found: 'etc/passwd' },
  ])('$truth', ({ path, found }) => expect(rootedPath(root, path)).toBe(join(root, found)));

  test.each([
    { truth: 'says which path no package has', path: '/usr/bin/none', message: 'no package contains /usr/bin/none' },
    { truth: 'says so of a dangling link too', path: '/lib/dangling', message: 'no package contains /lib/dangling' },
    { truth: 'ends on a link to itself', path: '/lib/loop', message: '/lib/loop: too many symlinks' },
  ])('$truth', ({ path, message }) => expect(() => rootedPath(root, path)).toThrow(message));
});

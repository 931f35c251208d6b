import { expect, test } from 'vitest';
import { alterMount, mountDirectories, relocate } from '../../../resources/lxc/lxc-mount.ts';

const paths = { volumes: '/run/pv/vol umes', storage: '/var/pv' };
const META =
  '/volumes/c/v var overlay lowerdir=/volumes/c/root.squashfs/var,upperdir=/volumes/c/v/upper,workdir=/volumes/c/v/work,create=dir 0 0';

test('an overlay as pvr writes it is moved where volumes are, and its directories are made', () => {
  const here = '/run/pv/vol\\040umes/c';
  expect(alterMount(META, paths)).toBe(
    `${here}/v var overlay lowerdir=${here}/root.squashfs/var,upperdir=${here}/v/upper,workdir=${here}/v/work,create=dir 0 0`,
  );
  expect(mountDirectories(META, paths)).toEqual(['/run/pv/vol umes/c/v/upper', '/run/pv/vol umes/c/v/work']);
});

test.each([
  ['/data/x x none bind,origin=mkdir,create=dir 0 0', '/data/x x none bind,create=dir 0 0', ['/data/x']],
  ['/data/x x none origin=mkdir 0 0', '/data/x x none defaults 0 0', ['/data/x']],
  ['/a\\040b x none bind,origin=mkdir 0 0', '/a\\040b x none bind 0 0', ['/a b']],
  ['/data/../x x none bind,origin=mkdir 0 0', '/data/../x x none bind 0 0', []],
  ['relative x none bind,origin=mkdir 0 0', 'relative x none bind 0 0', []],
  ['/data/x x none bind 0 0', '/data/x x none bind 0 0', []],
])('%s', (entry, altered, directories) => {
  expect(alterMount(entry, paths)).toBe(altered);
  expect(mountDirectories(entry, paths)).toEqual(directories);
});

test.each([
  ['/storage storage none bind 0 0', '/var/pv storage none bind 0 0'],
  ['/storage/logs /storage/x none bind 0 0', '/var/pv/logs /storage/x none bind 0 0'],
  ['/storages /volumes/x none bind 0 0', '/storages /volumes/x none bind 0 0'],
])('%s names the storage of the device only as a source', (entry, altered) => {
  expect(alterMount(entry, paths)).toBe(altered);
});

test('every layer of an overlay is moved', () => {
  const here = { volumes: '/v', storage: '/s' };
  expect(relocate('overlayfs:/volumes/a:/storage/b:/c/volumes/d', here)).toBe('overlayfs:/v/a:/s/b:/c/volumes/d');
});

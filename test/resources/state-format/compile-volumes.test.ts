import { describe, expect, test } from 'vitest';
import { aState, compiled, compiling, objectId } from '../../state-builder.ts';

const problemsOf = (result: ReturnType<typeof compiling>): readonly string[] =>
  result.ok ? [] : result.problems.map(({ message }) => message);

const image = (content: string, filesystem = 'squashfs') => ({
  type: 'image',
  image: `/storage/objects/${objectId(content)}`,
  filesystem,
});

test('volumes are mounted in the order root-volume, volumes, storage', () => {
  const state = aState()
    .container('web', {
      volumes: ['data.ext4', 'more.squashfs'],
      storage: { b: { persistence: 'boot' }, a: { persistence: 'boot' } },
    })
    .object('web/data.ext4', 'data')
    .object('web/more.squashfs', 'more');
  const { containers, resources } = compiled(state);
  const names = ['root.squashfs', 'data.ext4', 'more.squashfs', 'a', 'b'];
  expect(containers[0]?.volumes).toEqual(names.map((name) => `volume/web/${name}`));
  expect(resources['volume/web/root.squashfs']).toEqual({
    owner: 'container/web',
    order: 0,
    target: '/volumes/web/root.squashfs',
    source: image('root of web'),
  });
  expect(resources['volume/web/data.ext4']).toMatchObject({ order: 1, source: image('data', 'ext4') });
});

test('bind and data are files and trees of the revision', () => {
  const state = aState()
    .container('web', { volumes: ['hosts.bind', 'assets.data'] })
    .object('web/hosts.bind')
    .object('web/assets.data/logo.png');
  expect(compiled(state).resources).toMatchObject({
    'volume/web/hosts.bind': { source: { type: 'file', path: '/storage/trails/locals/test/web/hosts.bind' } },
    'volume/web/assets.data': { source: { type: 'tree', path: '/storage/trails/locals/test/web/assets.data' } },
  });
});

test.each([
  ['permanent', undefined, { type: 'directory', path: '/storage/disks/perm/web/v' }],
  ['revision', undefined, { type: 'directory', path: '/storage/disks/rev/locals/test/web/v' }],
  ['boot', undefined, { type: 'tmpfs' }],
  ['permanent', 'd', { type: 'directory', path: '/run/pantavisor/media/pv/dmcrypt/d/perm/web/v' }],
  ['revision', 'd', { type: 'directory', path: '/run/pantavisor/media/pv/dmcrypt/d/rev/locals/test/web/v' }],
  ['boot', 'd', { type: 'scratch', path: '/run/pantavisor/media/pv/dmcrypt/d/boot/web/v' }],
])('storage of persistence %s on disk %s', (persistence, disk, source) => {
  const state = aState()
    .disk({ name: 'd', type: 'volume-disk' })
    .container('web', { storage: { v: { persistence, disk } } });
  expect(compiled(state).resources['volume/web/v']).toEqual({
    owner: 'container/web',
    order: 1,
    target: '/volumes/web/v',
    source,
    ...(disk === undefined ? {} : { disk: 'disk/d' }),
  });
});

test('storage that names no disk goes to the default disk', () => {
  const state = aState()
    .disk({ name: 'd', type: 'volume-disk', default: 'yes' })
    .container('web', { storage: { v: { persistence: 'permanent' } } });
  expect(compiled(state).resources['volume/web/v']).toMatchObject({ disk: 'disk/d' });
});

test.each([
  ['nowhere', 'needs disk nowhere, which the state does not declare'],
  ['swap', 'needs disk swap, which is swap'],
])('storage on the disk %s is declared as unsupported', (disk, unsupported) => {
  const state = aState()
    .disk({ name: 'swap', type: 'swap-disk', path: '/dev/a' })
    .container('web', { storage: { v: { persistence: 'permanent', disk } } });
  const volume = compiled(state).resources['volume/web/v'];
  expect(volume).toMatchObject({ unsupported });
  expect(volume).not.toHaveProperty('disk');
});

describe('handlers', () => {
  const state = aState().container('web', { 'root-volume': 'dm:root.squashfs' });

  test('dm-verity is not supported yet, and said to be so', () => {
    expect(compiled(state, { verityHandlers: true }).resources['volume/web/root.squashfs']).toMatchObject({
      source: image('root of web'),
      unsupported: 'dm-verity: not supported yet',
    });
  });

  test('with handlers switched off the image is mounted plainly', () => {
    const volume = compiled(state, { verityHandlers: false }).resources['volume/web/root.squashfs'];
    expect(volume).toMatchObject({ source: image('root of web') });
    expect(volume).not.toHaveProperty('unsupported');
  });
});

const NO_NAME =
  'a file of the container whose extension names the file system, such as "root.squashfs" or "dm:root.squashfs"';

test.each([
  ['gone.squashfs', 'a file of the state, but it has no key "web/gone.squashfs"'],
  ['gone.data', 'a file of the state, but it has no key "web/gone.data/"'],
  ['gone.bind', 'a file of the state, but it has no key "web/gone.bind"'],
  ['rootfs', NO_NAME],
  ['', NO_NAME],
  ['root.', NO_NAME],
  ['../other/root.squashfs', NO_NAME],
  ['/root.squashfs', NO_NAME],
  ['a:b:root.squashfs', NO_NAME],
])('the volume %j is refused', (name, expected) => {
  expect(problemsOf(compiling(aState().container('web', { volumes: [name] })))).toEqual([
    `web/run.json.volumes[0] is ${JSON.stringify(name)}, expected ${expected}`,
  ]);
});

test('a file that is named twice is mounted once', () => {
  const result = compiling(aState().container('web', { group: 'root', volumes: ['root.squashfs'] }));
  expect(result.ok && result.state.containers[0]?.volumes).toEqual([
    'volume/web/root.squashfs',
    'volume/web/lxc-overlay',
  ]);
  expect(result.ok && result.warnings.map(({ path }) => path)).toEqual(['web/run.json.volumes[0]']);
});

test.each([
  [
    { 'root.squashfs': { persistence: 'boot' } },
    'web/run.json.storage["root.squashfs"] is "root.squashfs", expected another name than that of web/run.json.root-volume',
  ],
  [
    { a: { persistence: 'boot' }, 'a/b': { persistence: 'boot' } },
    'web/run.json.storage.a/b is "a/b", expected a volume that does not lie in web/run.json.storage.a',
  ],
  [
    { '../x': { persistence: 'boot' } },
    'web/run.json.storage["../x"] is {"persistence":"boot"}, expected a name that is a relative path that stays below its owner',
  ],
])('the storage %j would be mounted over something else', (storage, problem) => {
  expect(problemsOf(compiling(aState().container('web', { storage })))).toEqual([problem]);
});

test.each([
  [
    { v: {} },
    [],
    'web/run.json.storage.v.persistence is nothing, expected permanent, revision or boot; without it there is no such volume',
  ],
  [
    { v: { persistence: 'forever' } },
    ['volume/web/v'],
    'web/run.json.storage.v.persistence is "forever", expected one of "permanent", "revision", "boot"; "permanent" is used instead',
  ],
  [
    { v: 'permanent' },
    [],
    'web/run.json.storage.v is "permanent", expected an object; web/run.json.storage.v is left out',
  ],
  [[], [], 'web/run.json.storage is [], expected an object; web/run.json.storage is left out'],
])('the storage %j is warned about', (storage, volumes, message) => {
  const result = compiling(aState().container('web', { group: 'app', storage }));
  expect(result.ok && result.state.containers[0]?.volumes.slice(1)).toEqual(volumes);
  expect(result.ok && result.warnings.map((warning) => warning.message)).toEqual([message]);
});

test('a volume called __proto__ is a volume', () => {
  const storage = JSON.parse('{"__proto__":{"persistence":"permanent"}}');
  expect(compiled(aState().container('web', { storage })).resources['volume/web/__proto__']).toMatchObject({
    source: { type: 'directory', path: '/storage/disks/perm/web/__proto__' },
  });
});

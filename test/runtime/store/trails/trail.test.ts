import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseState } from '../../../../resources/state-format/state.ts';
import type { Files } from '../../../../runtime/host/host.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../../runtime/store/rejection.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { type TrailContent, trailContentOf } from '../../../../runtime/store/trails/trail.ts';
import { streamOf, type TestDevice, testDevice } from '../device.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const REVISION = 'locals/a';
const [ROOT, OTHER, BIND] = ['root file system', 'another root', 'bound file'];
const CONTENT: TrailContent = {
  objects: [
    { path: 'app/root.squashfs', id: sha256(ROOT) },
    { path: '_config/app/etc/x', id: sha256(ROOT) },
    { path: 'app/x.bind', id: sha256(BIND) },
  ],
  files: [
    { path: 'app/run.json', text: '{ "name" : "app" }' },
    { path: 'groups.json', text: '[]' },
  ],
};
const inTrail = (path: string): string => `${device.paths.storage}/trails/${REVISION}/${path}`;
const inObjects = (content: string): string => `${device.paths.storage}/objects/${sha256(content)}`;
const storeAll = async (): Promise<void> => {
  for (const content of [ROOT, OTHER, BIND]) await store.putObject(sha256(content), streamOf(content), 1000);
};
const treeOf = async (path = ''): Promise<string[]> => {
  const found: string[] = [];
  for (const name of (await device.files.list(inTrail(path))) ?? []) {
    const below = path === '' ? name : `${path}/${name}`;
    const isDirectory = (await device.files.stat(inTrail(below)))?.type === 'directory';
    found.push(...(isDirectory ? await treeOf(below) : [below]));
  }
  return found;
};
const INSTALLED = [
  '.pvr/config',
  '_config/app/etc/x',
  'app/root.squashfs',
  'app/run.json',
  'app/x.bind',
  'groups.json',
];

test('a state becomes links, copies and raw JSON with the modes of the format', async () => {
  await storeAll();
  await store.install(REVISION, CONTENT);
  expect(await treeOf()).toEqual(INSTALLED);
  const object = await stat(inObjects(ROOT));
  expect((await stat(inTrail('app/root.squashfs'))).ino).toBe(object.ino);
  expect((await stat(inTrail('_config/app/etc/x'))).ino).toBe(object.ino);
  expect((await stat(inTrail('app/x.bind'))).ino).not.toBe((await stat(inObjects(BIND))).ino);
  expect(await readFile(inTrail('app/x.bind'), 'utf8')).toBe(BIND);
  expect(await readFile(inTrail('app/run.json'), 'utf8')).toBe('{ "name" : "app" }');
  expect((await stat(inTrail('app/run.json'))).mode & 0o777).toBe(0o644);
});

test('signatures, notes of client tools and #spec stay in the document', () => {
  const parsed = parseState(
    Buffer.from(
      JSON.stringify({
        '#spec': 'pantavisor-service-system@1',
        '_sigs/a.json': {},
        'a/src.json': {},
        'a/build.json': {},
        'a/run.json': { name: 'a' },
        'a/x': 'a'.repeat(64),
      }),
    ),
    sha256,
  );
  expect(parsed.ok && trailContentOf(parsed.document)).toEqual({
    objects: [{ path: 'a/x', id: 'a'.repeat(64) }],
    files: [{ path: 'a/run.json', text: '{"name":"a"}' }],
  });
});

test('installing again writes nothing', async () => {
  await storeAll();
  await store.install(REVISION, CONTENT);
  const writes: string[] = [];
  const recording = new Proxy(device.files, {
    get: (files, name: keyof Files) => {
      if (['write', 'writeStream', 'remove', 'rename'].includes(name)) writes.push(name);
      return files[name];
    },
  });
  const again = await device.reopen(recording);
  await again.install(REVISION, CONTENT);
  expect(writes).toEqual([]);
});

test('missing objects are all named, before anything is changed', async () => {
  await store.putObject(sha256(BIND), streamOf(BIND), 1000);
  await expect(store.install(REVISION, CONTENT)).rejects.toThrow(new Rejection(`missing objects: ${sha256(ROOT)}`));
  expect(await store.revisions()).toEqual(['0']);
});

describe('refreshed', () => {
  beforeEach(async () => {
    await storeAll();
    await store.install(REVISION, CONTENT);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['an object replaced by other content', () => store.install(REVISION, withRoot(OTHER))],
    ['a file nobody knows', () => put('app/stranger', 'x')],
    ['a directory nobody knows', () => put('stranger/x', 'x')],
    ['a link with another inode', () => put('app/root.squashfs', ROOT)],
    ['a JSON that was changed', () => put('app/run.json', '{"name":"other"}')],
    ['a bound copy that a container wrote to', () => put('app/x.bind', 'scribbled')],
    ['a symlink to somewhere else', () => link('app/run.json', '/etc/passwd')],
    ['a directory that became a symlink', () => link('app', '/etc')],
    ['a directory in the place of a file', () => put('groups.json/x', 'x')],
    ['a file in the place of a directory', () => put('_config', 'x')],
    ['a temporary that a crash left', () => put('app/.run.json.pvtmp-1-00000000', 'x')],
  ])('%s', async (_, spoil) => {
    await spoil();
    await store.install(REVISION, CONTENT);
    expect(await treeOf()).toEqual(INSTALLED);
    expect((await stat(inTrail('app/root.squashfs'))).ino).toBe((await stat(inObjects(ROOT))).ino);
    expect(await readFile(inTrail('app/run.json'), 'utf8')).toBe('{ "name" : "app" }');
    expect(await readFile(inTrail('app/x.bind'), 'utf8')).toBe(BIND);
    expect(await readFile(inObjects(ROOT), 'utf8')).toBe(ROOT);
  });

  test('what Pantavisor and pvr keep in a trail is left alone', async () => {
    for (const path of ['.pv/pv-kernel.img', '.pvr/json', 'app/src.json', 'app/build.json']) await put(path, 'theirs');
    await store.install(REVISION, CONTENT);
    for (const path of ['.pv/pv-kernel.img', '.pvr/json', 'app/src.json', 'app/build.json'])
      expect(await readFile(inTrail(path), 'utf8'), path).toBe('theirs');
  });

  const withRoot = (content: string): TrailContent => ({
    ...CONTENT,
    objects: CONTENT.objects.map((entry) => (entry.path.endsWith('.bind') ? entry : { ...entry, id: sha256(content) })),
  });
  const put = async (path: string, content: string): Promise<void> => {
    const [target, parent] = [inTrail(path), dirname(inTrail(path))];
    if ((await device.files.stat(parent))?.type === 'file') await rm(parent);
    await rm(target, { recursive: true, force: true });
    await mkdir(parent, { recursive: true });
    await writeFile(target, content);
    await chmod(target, 0o600);
  };
  const link = async (path: string, target: string): Promise<void> => {
    await rm(inTrail(path), { recursive: true });
    await symlink(target, inTrail(path));
  };
});

describe('paths that are refused before anything is changed', () => {
  test.each([
    '/etc/x',
    '../x',
    'a/../../x',
    'a//b',
    './a',
    '',
    '.pvr/json',
    '.pv/done',
    'a\\b',
    'a\0b',
    'a'.repeat(300),
  ])('%j', async (path) => {
    await storeAll();
    const bad = { ...CONTENT, files: [...CONTENT.files, { path, text: '{}' }] };
    await expect(store.install(REVISION, bad)).rejects.toThrow(Rejection);
    expect((await treeOf()).filter((name) => !name.startsWith('.pvr/'))).toEqual([]);
  });

  test('a key that is a file and a directory', async () => {
    await storeAll();
    const bad = { ...CONTENT, files: [{ path: 'app', text: '{}' }] };
    await expect(store.install(REVISION, bad)).rejects.toThrow(/expected app to be a directory/);
  });
});

test('a crash at any call leaves something the next install completes', async () => {
  await storeAll();
  for (let calls = 0; ; calls++) {
    await rm(inTrail(''), { recursive: true, force: true });
    const dying = await device.reopen(dyingAfter(device.files, calls));
    const survived = await dying.install(REVISION, CONTENT).then(
      () => true,
      () => false,
    );
    await store.install(REVISION, CONTENT);
    expect(await treeOf()).toEqual(INSTALLED);
    if (survived) {
      expect(calls).toBeGreaterThan(5);
      return;
    }
  }
});

/** Files whose `count + 1`st change, and all later ones, fail as if the process were gone. Opening the store makes none. */
function dyingAfter(files: Files, count: number): Files {
  let left = count;
  const changes = ['write', 'writeStream', 'link', 'rename', 'remove'];
  return new Proxy(files, {
    get: (target, name: keyof Files) => {
      if (!changes.includes(name)) return target[name];
      if (left-- > 0) return target[name];
      return () => Promise.reject(new Error('crash'));
    },
  });
}

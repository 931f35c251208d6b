import { readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { streamOf, type TestDevice, testDevice } from './device.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const inStorage = (path: string): string => `${device.paths.storage}/${path}`;
const textOf = (path: string): Promise<string> => readFile(inStorage(path), 'utf8');
const state = (extra: Record<string, unknown> = {}): Buffer =>
  Buffer.from(JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...extra }));

describe('a new storage', () => {
  test('boots an empty factory revision that is done', async () => {
    expect(await store.bootVariables()).toEqual({ committed: '0' });
    expect(await textOf('trails/0/.pvr/json')).toBe('{"#spec":"pantavisor-service-system@1"}');
    expect(await textOf('trails/0/.pvr/config')).toBe(`{"ObjectsDir":"${device.paths.storage}/objects"}`);
    expect(await textOf('trails/0/.pv/progress')).toBe(
      '{"status":"DONE","status-msg":"Factory revision","progress":100,"retries":0}',
    );
    expect(await textOf('trails/0/.pv/done')).toBe('');
    expect(await store.revisions()).toEqual(['0']);
  });

  test('has the directories of the layout', async () => {
    for (const name of ['objects', 'trails', 'boot', 'disks/perm', 'disks/rev', 'cache', 'logs', 'pv/volume-disk'])
      expect((await stat(inStorage(name))).isDirectory(), name).toBe(true);
    expect((await stat(inStorage('.pvmounted'))).size).toBe(0);
    expect((await stat(inStorage('cache'))).mode & 0o777).toBe(0o700);
  });

  test('is not written to when it is opened again', async () => {
    const before = await stat(inStorage('boot/uboot.txt'));
    await device.reopen();
    expect((await stat(inStorage('boot/uboot.txt'))).ino).toBe(before.ino);
  });

  test('keeps a factory revision that somebody deployed', async () => {
    await writeFile(inStorage('trails/0/.pvr/json'), state({ a: 'b'.repeat(64) }));
    await device.files.remove(inStorage('boot/uboot.txt'));
    store = await device.reopen();
    expect(await store.document('0')).toEqual(state({ a: 'b'.repeat(64) }));
    expect(await store.bootVariables()).toEqual({ committed: '0' });
  });
});

describe('boot variables', () => {
  test('a trial is set, seen after a restart, committed in one write', async () => {
    await store.propose('locals/a', state());
    await store.setTrying('locals/a');
    expect(await (await device.reopen()).bootVariables()).toEqual({ committed: '0', trying: 'locals/a' });
    await store.commit('locals/a');
    expect(await (await device.reopen()).bootVariables()).toEqual({ committed: 'locals/a' });
    expect((await textOf('boot/uboot.txt')).replace(/\0+$/, '')).toBe('pv_rev=locals/a\0pv_try=');
  });

  test('a value that is no revision is reported and not used', async () => {
    await writeFile(inStorage('boot/uboot.txt'), 'pv_rev=0\0pv_try=locals/a/b\0\0');
    expect(await store.bootVariables()).toEqual({ committed: '0' });
    expect(device.problems).toEqual(['pv_try: expected a revision, but saw "locals/a/b"; ignored']);
  });
});

describe('revision names', () => {
  test.each(['0', '7', '120', 'locals/a', 'locals/pvtx-1699-ab12cd34-7', `locals/${'a'.repeat(64)}`])(
    '%s is accepted',
    async (revision) => {
      await store.propose(
        revision,
        revision === '0' ? Buffer.from('{"#spec":"pantavisor-service-system@1"}') : state(),
      );
      expect(await store.revisions()).toContain(revision);
    },
  );

  test.each([
    '',
    '.',
    '..',
    '01',
    '-1',
    'current',
    'locals',
    'locals/',
    'locals/..',
    'locals/.hidden',
    'locals/a/b',
    'locals/a b',
    'locals/a\0',
    '../x',
    '/etc',
    `locals/${'a'.repeat(65)}`,
  ])('%j is refused and touches nothing', async (revision) => {
    const before = await device.files.list(inStorage('trails'));
    await expect(store.propose(revision, state())).rejects.toThrow(Rejection);
    await expect(store.document(revision)).rejects.toThrow(Rejection);
    await expect(store.setCurrent(revision)).rejects.toThrow(Rejection);
    await expect(store.setTrying(revision)).rejects.toThrow(Rejection);
    expect(await device.files.list(inStorage('trails'))).toEqual(before);
  });
});

describe('proposing', () => {
  test('keeps the bytes as they came, progress NEW', async () => {
    const bytes = Buffer.from('{ "#spec" : "pantavisor-service-system@1" }\n');
    await store.propose('locals/a', bytes);
    expect(await store.document('locals/a')).toEqual(bytes);
    expect(await store.hash('locals/a')).toBe(sha256('{"#spec":"pantavisor-service-system@1"}'));
    expect(await store.progress('locals/a')).toEqual(progressOf('NEW', MESSAGE.readyToRun));
  });

  test('other content under the same name forgets the failure and the done mark of the old', async () => {
    await store.propose('locals/a', state());
    await store.setDone('locals/a');
    const failure = { revision: 'locals/a', hash: 'h', status: 'ERROR', message: 'm', detail: 'd' } as const;
    await store.recordFailure(failure);
    expect(await (await device.reopen()).failures()).toEqual({
      'locals/a': { ...failure, time: device.clock.wallTime().toISOString() },
    });
    await store.propose('locals/a', state({ 'x.json': {} }));
    expect(await store.failures()).toEqual({});
    expect(await device.files.stat(inStorage('trails/locals/a/.pv/done'))).toBeUndefined();
  });

  test.each(['committed', 'trying'])('other content for the %s revision is refused', async (use) => {
    await store.propose('locals/a', state());
    await (use === 'committed' ? store.commit('locals/a') : store.setTrying('locals/a'));
    await expect(store.propose('locals/a', state({ 'x.json': {} }))).rejects.toThrow(
      'revision locals/a is in use; expected another name for other content',
    );
    expect(await store.document('locals/a')).toEqual(state());
    await store.propose('locals/a', state());
  });

  test('a document above the limit is refused', async () => {
    await expect(store.propose('locals/a', Buffer.alloc(9 * 1024 * 1024))).rejects.toThrow(/expected at most/);
    expect(await store.revisions()).toEqual(['0']);
  });
});

describe('records', () => {
  test('progress is written in the form clients compare, and not again when nothing changed', async () => {
    await store.propose('locals/a', state());
    await store.setProgress('locals/a', progressOf('TESTING', MESSAGE.awaitingStable, 1));
    const path = 'trails/locals/a/.pv/progress';
    expect(await textOf(path)).toBe(
      '{"status":"TESTING","status-msg":"Awaiting to see if update is stable","progress":75,"retries":1}',
    );
    const before = await stat(inStorage(path));
    await store.setProgress('locals/a', progressOf('TESTING', MESSAGE.awaitingStable, 1));
    expect((await stat(inStorage(path))).ino).toBe(before.ino);
  });

  test.each([
    ['garbage', 'not json'],
    ['another type', '[]'],
    ['an absurd size', ' '.repeat(100_000)],
  ])('a record of %s is reported and counts as absent', async (_, text) => {
    await store.propose('locals/a', state());
    for (const name of ['progress', 'failure']) await writeFile(inStorage(`trails/locals/a/.pv/${name}`), text);
    expect(await store.progress('locals/a')).toBeUndefined();
    expect(await store.failures()).toEqual({});
    expect(device.problems).toHaveLength(2);
  });

  test('current points at the running revision, in trails and logs', async () => {
    await store.setCurrent('0');
    await store.setCurrent('locals/a');
    expect(await readlink(inStorage('trails/current'))).toBe('locals/a');
    expect(await readlink(inStorage('logs/current'))).toBe('locals/a');
    expect(await store.revisions()).toEqual(['0']);
  });
});

describe('objects', () => {
  const content = 'an object';
  const id = sha256(content);

  test('are stored under their sum, once', async () => {
    expect(await store.missingObjects([id, id])).toEqual([id]);
    await store.putObject(id, streamOf('an ', 'object'), 100);
    const { ino } = await stat(inStorage(`objects/${id}`));
    await store.putObject(id, streamOf(content), 100);
    expect((await stat(inStorage(`objects/${id}`))).ino).toBe(ino);
    expect(await store.missingObjects([id])).toEqual([]);
    expect(await store.verifyObject(id)).toBe('sound');
  });

  test.each([
    ['other content', id, 'something else', 100, /expected content with that sha256/],
    ['too much', id, content, 3, /expected at most 3 bytes/],
    ['no sum as its name', '../x', content, 100, /expected a name of 64 lower-case hex digits/],
  ])('%s is refused and leaves nothing', async (_, name, text, maxBytes, message) => {
    await expect(store.putObject(name, streamOf(text), maxBytes)).rejects.toThrow(message);
    expect(await device.files.list(inStorage('objects'))).toEqual([]);
  });

  test('other content is refused also when the object is there', async () => {
    await store.putObject(id, streamOf(content), 100);
    await expect(store.putObject(id, streamOf('something else'), 100)).rejects.toThrow(Rejection);
    expect(await store.verifyObject(id)).toBe('sound');
  });

  test('a corrupt one is set aside, reported, and can be stored again', async () => {
    await writeFile(inStorage(`objects/${id}`), 'rotten');
    expect(await store.verifyObject(id)).toBe('corrupt');
    expect(device.problems[0]).toContain(`object/${id}: its content has the sha256`);
    expect(await device.files.list(inStorage('objects'))).toEqual([`.corrupt-${id}`]);
    expect(await store.verifyObject(id)).toBe('missing');
    await writeFile(inStorage(`objects/${id}`), 'rotten');
    await store.putObject(id, streamOf(content), 100);
    expect(await store.verifyObject(id)).toBe('sound');
  });

  test('what a killed upload left is swept at the next start', async () => {
    await writeFile(inStorage(`objects/.upload-${id}-0`), 'half');
    await device.reopen();
    expect(await device.files.list(inStorage('objects'))).toEqual([]);
  });

  test('names that are no sums are missing, whatever lies there', async () => {
    await writeFile(inStorage('objects/x'), '');
    await symlink('/etc/passwd', inStorage(`objects/${id}`));
    expect(await store.missingObjects(['x', '../boot/uboot.txt', id])).toEqual(['x', '../boot/uboot.txt', id]);
  });
});

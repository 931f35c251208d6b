import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../../resources/progress.ts';
import { parseState } from '../../../../resources/state-format/state.ts';
import { DeviceError, type Files } from '../../../../runtime/host/host.ts';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { trailContentOf } from '../../../../runtime/store/trails/trail.ts';
import { streamOf, type TestDevice, testDevice } from '../device.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const inStorage = (path: string): string => `${device.paths.storage}/${path}`;
const stateOf = (...contents: readonly string[]): string =>
  JSON.stringify({
    '#spec': 'pantavisor-service-system@1',
    ...Object.fromEntries(contents.map((content, index) => [`app/file-${index}`, sha256(content)])),
    'app/run.json': { of: contents },
  });

const contentOf = (state: string) => {
  const parsed = parseState(Buffer.from(state), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return trailContentOf(parsed.document);
};

/** Installed, with logs and a volume, and run once. */
const install = async (revision: string, ...contents: readonly string[]): Promise<void> => {
  for (const content of contents) await store.putObject(sha256(content), streamOf(content), 1000);
  await store.propose(revision, Buffer.from(stateOf(...contents)));
  await store.install(revision, contentOf(stateOf(...contents)));
  await store.setProgress(revision, progressOf('DONE', MESSAGE.done));
  for (const directory of [`logs/${revision}/app`, `disks/rev/${revision}/app/data`]) {
    await mkdir(inStorage(directory), { recursive: true });
    await writeFile(inStorage(`${directory}/kept`), 'some bytes');
  }
};
const fail = (revision: string): Promise<void> =>
  store.recordFailure({ revision, hash: 'h', status: 'ERROR', message: 'm', detail: 'd' });
const objects = async (): Promise<string[]> => (await readdir(inStorage('objects'))).sort();
const idsOf = (...contents: readonly string[]): string[] => contents.map(sha256).sort();
const exists = async (path: string): Promise<boolean> => (await linuxFiles.stat(inStorage(path))) !== undefined;

describe('collecting garbage', () => {
  test('removes a revision nobody keeps with its logs and volumes, and the objects only it had', async () => {
    await install('locals/old', 'old', 'shared');
    await install('locals/new', 'new', 'shared');
    await mkdir(inStorage('disks/perm/app/data'), { recursive: true });
    await store.commit('locals/new');
    const bytes = await store.collect();
    expect(await store.revisions()).toEqual(['locals/new']);
    for (const path of ['trails/0', 'trails/locals/old', 'logs/locals/old', 'disks/rev/locals/old'])
      expect(await exists(path), path).toBe(false);
    for (const path of ['logs/locals/new/app/kept', 'disks/rev/locals/new/app/data/kept', 'disks/perm/app/data'])
      expect(await exists(path), path).toBe(true);
    expect(await objects()).toEqual(idsOf('new', 'shared'));
    expect(bytes).toBeGreaterThanOrEqual('old'.length + 2 * 'some bytes'.length);
    expect(await store.collect()).toBe(0);
  });

  test('keeps what is committed, on trial, about to run and asked for, and the factory when it is told to', async () => {
    for (const name of ['committed', 'trying', 'wanted', 'asked', 'other']) await install(`locals/${name}`, name);
    await store.commit('locals/committed');
    await store.setTrying('locals/trying');
    store = await device.reopen(linuxFiles, { wanted: () => ['locals/wanted'], limits: () => ({ keepFactory: true }) });
    await store.collect({ keep: ['locals/asked'] });
    expect(await store.revisions()).toEqual([
      '0',
      ...['asked', 'committed', 'trying', 'wanted'].map((n) => `locals/${n}`),
    ]);
    expect(await objects()).toEqual(idsOf('asked', 'committed', 'trying', 'wanted'));
  });

  test('keeps a revision that did not run yet, until its time is over', async () => {
    await store.putObject(sha256('pending'), streamOf('pending'), 1000);
    await store.propose('locals/pending', Buffer.from(stateOf('pending')));
    await store.collect();
    device.clock.advance(599_000);
    await store.collect();
    expect(await store.revisions()).toContain('locals/pending');
    expect(await objects()).toEqual(idsOf('pending'));
    device.clock.advance(2_000);
    await store.collect();
    expect(await store.revisions()).toEqual(['0']);
    expect(await objects()).toEqual([]);
  });

  test('after a restart it goes by the age of the document, and a clock that is behind keeps it', async () => {
    await store.propose('locals/pending', Buffer.from(stateOf()));
    const age = async (seconds: number): Promise<void> => {
      const then = new Date(device.clock.wallTime().getTime() - seconds * 1000);
      await utimes(inStorage('trails/locals/pending/.pvr/json'), then, then);
    };
    for (const seconds of [599, -86_400]) {
      await age(seconds);
      store = await device.reopen();
      await store.collect();
      expect(await store.revisions(), `${seconds} s`).toContain('locals/pending');
    }
    await age(601);
    await store.collect();
    expect(await store.revisions()).toEqual(['0']);
  });

  test('of a failed revision the reason stays, and nothing else', async () => {
    await install('locals/bad', 'bad');
    await fail('locals/bad');
    await store.collect();
    expect((await store.failures())['locals/bad']).toMatchObject({ message: 'm', detail: 'd', hash: 'h' });
    expect(await readdir(inStorage('trails/locals/bad'))).toEqual(['.pv']);
    expect(await store.document('locals/bad')).toBeUndefined();
    expect(await objects()).toEqual([]);
    expect(await store.collect()).toBe(0);
  });

  test('the reasons of the newest 32 failures stay', async () => {
    for (let index = 0; index < 34; index += 1) {
      await store.propose(`locals/f${index}`, Buffer.from(stateOf()));
      await fail(`locals/f${index}`);
      device.clock.advance(1_000);
    }
    await store.collect();
    const left = Object.keys(await store.failures());
    expect(left).toHaveLength(32);
    expect(left).not.toContain('locals/f0');
    expect(left).not.toContain('locals/f1');
  });

  test('what something runs on stays, part by part, and goes when nothing does any more', async () => {
    await install('locals/old', 'old', 'mounted');
    await install('locals/older', 'older');
    await install('locals/new', 'new');
    await store.commit('locals/new');
    const used = new Set([
      inStorage('disks/rev/locals/old/app/data'),
      inStorage(`objects/${sha256('mounted')}`),
      inStorage('logs/locals/older'),
    ]);
    const uses = async () => (path: string) => [...used].some((one) => one === path || one.startsWith(`${path}/`));
    store = await device.reopen(linuxFiles, { uses });
    await store.collect();
    expect(await store.revisions()).toEqual(['locals/new']);
    expect(await exists('disks/rev/locals/old/app/data/kept')).toBe(true);
    expect(await exists('logs/locals/old')).toBe(false);
    expect(await exists('logs/locals/older/app/kept')).toBe(true);
    expect(await objects()).toEqual(idsOf('mounted', 'new'));
    used.clear();
    await store.collect();
    expect(await exists('disks/rev/locals/old')).toBe(false);
    expect(await exists('logs/locals/older')).toBe(false);
    expect(await objects()).toEqual(idsOf('new'));
  });

  test('a trail that something runs on stays whole, and so do its objects', async () => {
    await install('locals/old', 'old');
    await install('locals/new', 'new');
    await store.commit('locals/new');
    const uses = async () => (path: string) => path === inStorage('trails/locals/old');
    store = await device.reopen(linuxFiles, { uses });
    await store.collect();
    expect(await exists('trails/locals/old/app/file-0')).toBe(true);
    expect(await objects()).toEqual(idsOf('new', 'old'));
  });

  test('objects that somebody holds, that are young or that have another name stay', async () => {
    for (const content of ['held', 'young', 'named', 'free'])
      await store.putObject(sha256(content), streamOf(content), 1000);
    await linuxFiles.link(inStorage(`objects/${sha256('named')}`), inStorage('another-name'));
    const youngAt = new Date(device.clock.wallTime().getTime() - 5_000);
    await utimes(inStorage(`objects/${sha256('young')}`), youngAt, youngAt);
    const hold = store.holdObjects();
    hold.add([sha256('held')]);
    expect(await store.collect({ youngSeconds: 10 })).toBe('free'.length);
    expect(await objects()).toEqual(idsOf('held', 'named', 'young'));
    hold.release();
    await store.collect();
    expect(await objects()).toEqual(idsOf('named'));
  });

  test('quarantined objects, left-over downloads and trails that were being removed go', async () => {
    const left = [`objects/.corrupt-${sha256('a')}`, `objects/${sha256('b')}.tmp`, 'trails/.gone-3/app/file'];
    for (const path of left) {
      await linuxFiles.makeDirectory(inStorage(path.slice(0, path.lastIndexOf('/'))), 0o755);
      await writeFile(inStorage(path), 'x');
    }
    await writeFile(inStorage('objects/somebody-s-file'), 'x');
    await store.collect();
    for (const path of left) expect(await exists(path), path).toBe(false);
    expect(await objects()).toEqual(['somebody-s-file']);
  });

  test('what is proposed while it goes on keeps its objects', async () => {
    for (const content of ['a', 'b']) await store.putObject(sha256(content), streamOf(content), 1000);
    let propose: (() => Promise<void>) | undefined = () => store.propose('locals/meanwhile', Buffer.from(stateOf('a')));
    const files: Files = {
      ...linuxFiles,
      listing: async function* (path) {
        // The references are known by now, and do not have it.
        if (path.endsWith('/objects')) await propose?.();
        propose = undefined;
        yield* linuxFiles.listing(path);
      },
    };
    store = await device.reopen(files);
    await store.collect();
    expect(await objects()).toEqual(idsOf('a'));
  });

  test('an object that is stored again while it is being removed is there afterwards', async () => {
    await store.putObject(sha256('a'), streamOf('a'), 1000);
    let putting: Promise<void> | undefined;
    const files: Files = {
      ...linuxFiles,
      remove: async (path) => {
        if (path.endsWith(sha256('a'))) putting ??= store.putObject(sha256('a'), streamOf('a'), 1000);
        await linuxFiles.remove(path);
      },
    };
    store = await device.reopen(files);
    await store.collect();
    await putting;
    expect(putting).toBeDefined();
    expect(await objects()).toEqual(idsOf('a'));
  });

  test('when a document cannot be read no object goes', async () => {
    await install('locals/new', 'new');
    await store.commit('locals/new');
    await store.putObject(sha256('free'), streamOf('free'), 1000);
    const files: Files = {
      ...linuxFiles,
      read: async (path, maxBytes) => {
        if (path.endsWith('.pvr/json')) throw new DeviceError('read', path, 'EIO');
        return linuxFiles.read(path, maxBytes);
      },
    };
    store = await device.reopen(files);
    await expect(store.collect()).rejects.toThrow(DeviceError);
    expect(await objects()).toEqual(idsOf('free', 'new'));
  });

  test('it can be ended at any time, and is taken up again', async () => {
    for (let index = 0; index < 100; index += 1) await store.putObject(sha256(`${index}`), streamOf(`${index}`), 1000);
    const ending = new AbortController();
    let removed = 0;
    const files: Files = {
      ...linuxFiles,
      remove: async (path) => {
        removed += 1;
        if (removed === 20) ending.abort(new Error('enough'));
        await linuxFiles.remove(path);
      },
    };
    store = await device.reopen(files);
    await expect(store.collect({ signal: ending.signal })).rejects.toThrow('enough');
    const left = (await objects()).length;
    expect(left).toBeGreaterThan(40);
    expect(left).toBeLessThan(100);
    await store.collect();
    expect(await objects()).toEqual([]);
  });

  test('removing other links does not make what was verified unknown', async () => {
    let hashed = 0;
    const files: Files = {
      ...linuxFiles,
      stream: (path) => {
        hashed += 1;
        return linuxFiles.stream(path);
      },
    };
    store = await device.reopen(files);
    await install('locals/old', 'shared');
    await install('locals/new', 'shared');
    await store.commit('locals/new');
    hashed = 0;
    await store.collect();
    expect(await store.verify(contentOf(stateOf('shared')), [])).toEqual([]);
    expect(hashed).toBe(0);
  });
});

describe('room', () => {
  const space = async () => ({ totalBytes: 1_000, freeBytes: 100 });

  test('objects leave the reserved percentage alone', async () => {
    store = await device.reopen({ ...linuxFiles, space }, { limits: () => ({ reservedPercent: 7 }) });
    expect(await store.space()).toEqual({ totalBytes: 1_000, freeBytes: 100, reservedBytes: 70, availableBytes: 30 });
  });

  test.each([
    ['is collected when it is not enough', 31, []],
    ['is left alone when it is', 30, ['free']],
  ])('garbage %s', async (_, requiredBytes, left) => {
    store = await device.reopen({ ...linuxFiles, space }, { limits: () => ({ reservedPercent: 7 }) });
    await store.putObject(sha256('free'), streamOf('free'), 1000);
    await store.makeRoom(requiredBytes);
    expect(await objects()).toEqual(idsOf(...left));
  });
});

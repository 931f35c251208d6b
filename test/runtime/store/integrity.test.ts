/** Which objects are checked, what counts as sound, and what a trail is healed to. */
import { appendFile, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseState } from '../../../resources/state-format/state.ts';
import { DeviceError, type Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { checkedIds } from '../../../runtime/store/objects/unchecked-objects.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { type TrailContent, trailContentOf } from '../../../runtime/store/trails/trail.ts';
import { streamOf, type TestDevice, testDevice } from './device.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const inStorage = (path: string): string => `${device.paths.storage}/${path}`;
const objectPath = (content: string): string => inStorage(`objects/${sha256(content)}`);
const contentWith = (entries: Readonly<Record<string, unknown>>): TrailContent => {
  const text = JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...entries });
  const parsed = parseState(Buffer.from(text), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return trailContentOf(parsed.document);
};

describe('objects that are checked', () => {
  const dm = { type: 'dm-verity', data_device: 'root.squashfs' };
  test.each([
    ['an ordinary one', 'app/root.squashfs', {}, true],
    ['the initrd of the bsp', 'bsp/pantavisor', {}, false],
    ['a name that begins like it', 'bsp/pantavisor.cpio.xz4', {}, false],
    ['the kernel', 'bsp/kernel.img', {}, false],
    ['the source of a FIT', 'bsp/fit-image.its', {}, false],
    ['another file of the bsp', 'bsp/modules.squashfs', {}, true],
    ['the data of a dm-verity volume', 'app/root.squashfs', { 'app/_dm/root.squashfs.json': dm }, false],
    ["another container's file of that name", 'db/root.squashfs', { 'app/_dm/root.squashfs.json': dm }, true],
    [
      'one whose manifest is of another type',
      'app/root.squashfs',
      { 'app/_dm/x.json': { ...dm, type: 'dm-crypt' } },
      true,
    ],
    ['one that a text only mentions', 'app/root.squashfs', { 'app/x.json': 'dm-verity {' }, true],
  ])('%s', (_, path, more, isChecked) => {
    expect([...checkedIds(contentWith({ [path]: sha256('x'), ...more }))]).toEqual(isChecked ? [sha256('x')] : []);
  });

  test('one that has an exempt name and another one', () => {
    const content = contentWith({ 'bsp/kernel.img': sha256('x'), 'app/kernel': sha256('x') });
    expect([...checkedIds(content)]).toEqual([sha256('x')]);
  });
});

describe('verifying', () => {
  const content = contentWith({ 'app/a': sha256('a'), 'app/b.bind': sha256('b'), 'app/run.json': { of: 'a' } });
  const prepare = async (): Promise<void> => {
    for (const each of ['a', 'b']) await store.putObject(sha256(each), streamOf(each), 100);
    await store.install('locals/x', content);
  };

  test('what is exempt must be there all the same', async () => {
    const faults = await store.verify(contentWith({ 'bsp/kernel.img': sha256('k') }), []);
    expect(faults).toEqual([
      `bsp/kernel.img: object ${sha256('k')} is missing or corrupt, and no source has a sound copy`,
    ]);
  });

  test('notices content that changed although size and time were put back', async () => {
    await prepare();
    expect(await store.verify(content, [])).toEqual([]);
    const { atime, mtime } = await stat(objectPath('a'));
    await writeFile(objectPath('a'), 'X');
    await utimes(objectPath('a'), atime, mtime);
    expect(await store.verify(content, [])).toHaveLength(1);
    expect(device.problems).toEqual([expect.stringContaining(`moved to objects/.corrupt-${sha256('a')}`)]);
  });

  test('remembers over a restart of the same boot, and not over a boot', async () => {
    const read: string[] = [];
    const files: Files = {
      ...linuxFiles,
      stream: (path) => {
        read.push(path);
        return linuxFiles.stream(path);
      },
    };
    const inBoot = (bootId: string): Promise<Store> =>
      device.reopen(files, { verified: { path: inStorage('verified'), bootId } });
    store = await inBoot('one');
    await prepare();
    read.length = 0;
    await (await inBoot('one')).verify(content, []);
    expect(read).toEqual([]);
    await (await inBoot('two')).verify(content, []);
    expect(read.sort()).toEqual([objectPath('a'), objectPath('b')].sort());
  });

  test('a medium that reads on the second try is no reason to move anything', async () => {
    await prepare();
    let failures = 1;
    const flaky: Files = {
      ...linuxFiles,
      stream: (path) => {
        if (failures-- > 0) throw new DeviceError('read', path, 'EIO');
        return linuxFiles.stream(path);
      },
    };
    store = await device.reopen(flaky);
    expect(await store.verify(content, [])).toEqual([]);
    expect(device.problems).toEqual([]);
  });

  test('a medium that does not read at all is a corrupt object', async () => {
    await prepare();
    const broken: Files = {
      ...linuxFiles,
      stream: (path) => {
        if (path === objectPath('a')) throw new DeviceError('read', path, 'EIO');
        return linuxFiles.stream(path);
      },
    };
    store = await device.reopen(broken);
    // Its name in the trail reads: that is a sound copy.
    expect(await store.verify(content, [])).toHaveLength(1);
    expect(device.problems[0]).toContain('it cannot be read');
  });

  test('an object that something runs on is not moved', async () => {
    await prepare();
    await writeFile(objectPath('a'), 'X');
    store = await device.reopen(linuxFiles, { uses: async () => (path) => path === objectPath('a') });
    expect(await store.verify(content, [])).toHaveLength(1);
    expect(await readFile(objectPath('a'), 'utf8')).toBe('X');
    expect(device.problems[0]).toContain('it is left until the next boot');
  });

  test('ends when it is told to', async () => {
    await prepare();
    await expect(store.verify(content, [], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('healing a trail', () => {
  const content = contentWith({
    'app/a': sha256('a'),
    'app/b.bind': sha256('b'),
    'app/c.bind': sha256('c'),
    'app/run.json': { of: 'a' },
  });

  test('makes anew what differs, leaves what is right, and leaves .bind copies to their containers', async () => {
    for (const each of ['a', 'b', 'c']) await store.putObject(sha256(each), streamOf(each), 100);
    await store.install('locals/x', content);
    expect(await store.heal('locals/x', content)).toEqual([]);
    await linuxFiles.write(inStorage('trails/locals/x/app/a'), 'rotten', 0o644);
    await appendFile(inStorage('trails/locals/x/app/b.bind'), ' and what the container wrote');
    await rm(inStorage('trails/locals/x/app/c.bind'));
    await writeFile(inStorage('trails/locals/x/app/run.json'), '{"of": "a"}');
    expect([...(await store.heal('locals/x', content))].sort()).toEqual(['app/a', 'app/c.bind', 'app/run.json']);
    expect((await stat(inStorage('trails/locals/x/app/a'))).ino).toBe((await stat(objectPath('a'))).ino);
    expect(await readFile(inStorage('trails/locals/x/app/b.bind'), 'utf8')).toBe('b and what the container wrote');
    expect(await readFile(inStorage('trails/locals/x/app/run.json'), 'utf8')).toBe('{"of":"a"}');
  });

  test('a copy with the right content is as good as a link, where links are impossible', async () => {
    await store.putObject(sha256('a'), streamOf('a'), 100);
    const only = contentWith({ 'app/a': sha256('a') });
    await store.install('locals/x', only);
    await linuxFiles.write(inStorage('trails/locals/x/app/a'), 'a', 0o644);
    expect(await store.heal('locals/x', only)).toEqual([]);
  });
});

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { progressOf } from '../../../../resources/progress.ts';
import { DeviceError, type Files } from '../../../../runtime/host/host.ts';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { mendedHost } from '../../../../runtime/host/mending-files.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { type TestDevice, testDevice } from '../device.ts';

let device: TestDevice;
let store: Store;
const variables = (): string => `${device.paths.storage}/boot/uboot.txt`;
const document = (name: string): Buffer =>
  Buffer.from(JSON.stringify({ '#spec': 'pantavisor-service-system@1', [`${name}/x.json`]: {} }));

const committed = async (revision: string): Promise<void> => {
  await store.propose(revision, document(revision));
  await store.setTrying(revision, true);
  await store.setCurrent(revision);
  await store.commit(revision);
  await store.setDone(revision);
  await store.setProgress(revision, progressOf('DONE', 'Update finished'));
};
const mended = (files: Files = linuxFiles): Files =>
  mendedHost({ files }, device.paths, (subject, message) => device.problems.push(`${subject}: ${message}`)).files;
const reopened = async (files?: Files) => (await device.reopen(mended(files))).bootVariables();

beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
  await committed('locals/a');
  await committed('locals/b');
});
afterEach(() => device.remove());

describe('boot variables that are damaged at a start', () => {
  test.each<readonly [string, () => Promise<void>]>([
    ['empty', () => writeFile(variables(), '')],
    ['zeros', () => writeFile(variables(), Buffer.alloc(65_536))],
    ['removed', () => rm(variables())],
    ['half', () => writeFile(variables(), 'pv_re')],
    ['a revision that is not here', () => writeFile(variables(), 'pv_rev=locals/c\0')],
    ['no revision at all', () => writeFile(variables(), 'pv_rev=../../etc\0')],
    [
      'a directory with something in it',
      async () => {
        await rm(variables());
        await mkdir(`${variables()}/x`, { recursive: true });
      },
    ],
  ])('%s: what was committed last stays committed, and is written again', async (_, damage) => {
    await damage();
    expect(await reopened()).toEqual({ committed: 'locals/b' });
    expect(device.problems.join('\n')).toMatch(/boot variables: .*the storage shows that locals\/b was committed last/);
    device.problems.length = 0;
    expect(await reopened()).toEqual({ committed: 'locals/b' });
    expect(device.problems).toEqual([]);
  });

  test('a directory in their place is kept under another name', async () => {
    await rm(variables());
    await mkdir(`${variables()}/x`, { recursive: true });
    await reopened();
    expect(await readdir(`${device.paths.storage}/boot/.damaged-uboot.txt`)).toEqual(['x']);
  });

  test('unreadable: nothing is written before something has to be', async () => {
    const failing: Files = {
      ...linuxFiles,
      read: (path, maxBytes) =>
        path === variables() ? Promise.reject(new DeviceError('read', path, 'EIO')) : linuxFiles.read(path, maxBytes),
    };
    const bad = await device.reopen(failing);
    expect(await bad.bootVariables()).toEqual({ committed: 'locals/b' });
    await rename(variables(), `${variables()}.before`);
    await bad.setTrying('locals/a', true);
    expect(await (await device.reopen()).bootVariables()).toEqual({
      committed: 'locals/b',
      trying: 'locals/a',
      spent: true,
    });
  });

  test('a failed update is no evidence', async () => {
    await store.propose('locals/c', document('c'));
    await store.setCurrent('locals/c');
    await store.setProgress('locals/c', progressOf('ERROR', 'Status goal not reached'));
    await writeFile(variables(), '');
    expect(await reopened()).toEqual({ committed: 'locals/b' });
  });
});

test('boot variables that are damaged while the daemon runs are written again, the trial included', async () => {
  const { setTrying, bootVariables } = await device.reopen();
  await setTrying('locals/a', true);
  await writeFile(variables(), '');
  const expected = { committed: 'locals/b', trying: 'locals/a', spent: true };
  expect(await bootVariables()).toEqual(expected);
  expect(await (await device.reopen()).bootVariables()).toEqual(expected);
});

describe('garbage', () => {
  test('is not collected while it is in doubt what is committed; the next commit ends that', async () => {
    await writeFile(variables(), '');
    store = await device.reopen();
    await expect(store.collect()).rejects.toThrow(/nothing is removed: the boot variables had to be recovered/);
    store = await device.reopen();
    await expect(store.collect()).rejects.toThrow(/IN_DOUBT/);
    expect(await store.revisions()).toEqual(expect.arrayContaining(['locals/a', 'locals/b']));
    await committed('locals/c');
    await store.collect();
    expect(await store.revisions()).toEqual(['locals/c']);
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    [
      'with a flipped bit that leaves it valid',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('x.json', 'y.json')),
    ],
    ['empty', () => Buffer.alloc(0)],
  ])('is not collected while the committed document is %s', async (_, damage) => {
    const path = `${device.paths.storage}/trails/locals/b/.pvr/json`;
    await writeFile(path, damage(document('locals/b')));
    await expect(store.collect()).rejects.toThrow(/nothing is removed: .*revision locals\/b/);
    await writeFile(path, document('locals/b'));
    await store.collect();
    expect(await store.revisions()).toEqual(['locals/b']);
  });

  test('is not waited for by those who need room', async () => {
    await writeFile(variables(), '');
    store = await device.reopen();
    expect((await store.makeRoom(Number.MAX_SAFE_INTEGER)).availableBytes).toBeGreaterThan(0);
    expect(device.problems.at(-1)).toMatch(/nothing is removed/);
  });
});

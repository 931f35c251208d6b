/** A storage that Pantavisor (in C) left behind is taken up as it is, and what we leave behind is what it needs. */
import { link, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { parseState } from '../../../resources/state-format/state.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { trailContentOf } from '../../../runtime/store/trails/trail.ts';
import { streamOf, type TestDevice, testDevice } from './device.ts';

const ROOT = 'hsqs root of app';
const RUN = '{"#spec":"service-manifest-run@1","name":"app"}';
const stateWith = (root: string): string =>
  `{"#spec":"pantavisor-service-system@1","app/build.json":{"a":1},"app/root.squashfs":"${sha256(root)}","app/run.json":${RUN},"app/src.json":{}}`;
const contentOf = (text: string) => {
  const parsed = parseState(Buffer.from(text), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return trailContentOf(parsed.document);
};

let device: TestDevice;
beforeEach(async () => {
  device = await testDevice();
});
afterEach(() => device.remove());
const at = (path: string): string => `${device.paths.storage}/${path}`;
const put = async (path: string, content: string): Promise<void> => {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), content);
};

/** Revision 3 of the Hub is committed, the factory is there, and a download was cut off. */
const leftByPantavisor = async (): Promise<void> => {
  await put(`objects/${sha256(ROOT)}`, ROOT);
  await put(`objects/${'ab'.repeat(32)}.tmp`, 'half of a downl');
  for (const revision of ['0', '3']) {
    await put(`trails/${revision}/.pvr/json`, stateWith(ROOT));
    await put(`trails/${revision}/.pvr/config`, JSON.stringify({ ObjectsDir: at('objects') }));
    await put(`trails/${revision}/.pv/done`, '');
    await put(`trails/${revision}/.pv/commitmsg`, 'it works');
    await put(
      `trails/${revision}/.pv/progress`,
      '{"status":"DONE","status-msg":"Update finished, revision set as rollback point","progress":100,"retries":0}',
    );
    await put(`trails/${revision}/app/run.json`, RUN);
    await link(at(`objects/${sha256(ROOT)}`), at(`trails/${revision}/app/root.squashfs`));
  }
  await put('boot/uboot.txt', 'pv_rev=3\0pv_try=\0'.padEnd(65_536, '\0'));
  await put('config/pantahub.config', 'creds.type=builtin\n');
  await put('.pvmounted', '');
  await symlink('3', at('trails/current'));
};

const inode = async (path: string): Promise<number> => (await stat(at(path))).ino;

test('what Pantavisor committed is committed, whole and sound, and none of it is written anew', async () => {
  await leftByPantavisor();
  const files = [
    'trails/3/app/root.squashfs',
    'trails/3/app/run.json',
    'trails/3/.pvr/json',
    'trails/3/.pv/progress',
    'boot/uboot.txt',
  ];
  const before = await Promise.all(files.map(inode));
  const store = await device.reopen();
  expect(await store.bootVariables()).toEqual({ committed: '3' });
  expect(await store.revisions()).toEqual(['0', '3']);
  expect(await store.verify(contentOf(stateWith(ROOT)), [])).toEqual([]);
  expect(await store.heal('3', contentOf(stateWith(ROOT)))).toEqual([]);
  expect((await store.progress('3'))?.status).toBe('DONE');
  expect(await Promise.all(files.map(inode))).toEqual(before);
  expect(device.problems).toEqual([]);
});

test('what it left of a download is nobody’s object', async () => {
  await leftByPantavisor();
  const store = await device.reopen();
  await store.collect();
  expect(await device.files.list(at('objects'))).toEqual([sha256(ROOT)]);
  expect(await store.revisions()).toContain('3');
});

/** As the update controller does it. */
const update = async (store: Store): Promise<void> => {
  const text = stateWith('another root');
  await store.putObject(sha256('another root'), streamOf('another root'), 1_000);
  await store.propose('locals/next', Buffer.from(text));
  await store.install('locals/next', contentOf(text));
  await store.setTrying('locals/next', true);
  await store.setCurrent('locals/next');
  await store.commit('locals/next');
  await store.setDone('locals/next');
  await store.setProgress('locals/next', progressOf('DONE', MESSAGE.done));
};

test('what we commit is what Pantavisor needs to boot it', async () => {
  await leftByPantavisor();
  await update(await device.reopen());
  const trail = 'trails/locals/next';
  const text = (path: string): Promise<string> => readFile(at(path), 'utf8');
  // Byte for byte: signatures and the checksum of inline JSON are about the very text.
  expect(await text(`${trail}/.pvr/json`)).toBe(stateWith('another root'));
  expect(await text(`${trail}/app/run.json`)).toBe(RUN);
  expect(JSON.parse(await text(`${trail}/.pvr/config`))).toEqual({ ObjectsDir: at('objects') });
  // The same inode, or its checksum fails.
  expect(await inode(`${trail}/app/root.squashfs`)).toBe(await inode(`objects/${sha256('another root')}`));
  for (const skipped of ['src.json', 'build.json'])
    await expect(stat(at(`${trail}/app/${skipped}`))).rejects.toThrow('ENOENT');
  expect((await stat(at(`${trail}/.pv/done`))).size).toBe(0);
  expect((await stat(at(`${trail}/.pv/progress`))).size).toBeLessThan(512);
  expect(JSON.parse(await text(`${trail}/.pv/progress`))).toEqual({ ...progressOf('DONE', MESSAGE.done) });
  expect(await readlink(at('trails/current'))).toBe('locals/next');
  const variables = await readFile(at('boot/uboot.txt'), 'latin1');
  expect(variables).toHaveLength(65_536);
  expect(variables.slice(0, 1024)).toMatch(/^pv_rev=locals\/next\0pv_try=\0/);
  expect(await text('config/pantahub.config')).toBe('creds.type=builtin\n');
});

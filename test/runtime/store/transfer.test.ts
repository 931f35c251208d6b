/** Revisions leave one storage and enter another; what makes two of them differ. */

import { rm, writeFile } from 'node:fs/promises';
import jsonPatch from 'fast-json-patch';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseState, type StateDocument } from '../../../resources/state-format/state.ts';
import { bytesText, progressBar } from '../../../runtime/cli/shared/progress-bar.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { importTarball } from '../../../runtime/sources/directory/import-tarball.ts';
import { exportRevision } from '../../../runtime/store/archive/export.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';
import { NoRoom } from '../../../runtime/store/space/room.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { differenceOf } from '../../../runtime/store/trails/revision-difference.ts';
import { trailContentOf } from '../../../runtime/store/trails/trail.ts';
import { streamOf, type TestDevice, testDevice } from './device.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const SPEC = { '#spec': 'pantavisor-service-system@1' };
const STATE = ` ${JSON.stringify({ ...SPEC, 'app/a': sha256('aa'), 'app/b': sha256('b'), 'app/c': sha256('aa') })}\n`;
const parse = (text: string): StateDocument => {
  const parsed = parseState(Buffer.from(text), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return parsed.document;
};
const install = async (): Promise<void> => {
  for (const content of ['aa', 'b']) await store.putObject(sha256(content), streamOf(content), 100);
  await store.propose('locals/x', Buffer.from(STATE));
  await store.install('locals/x', trailContentOf(parse(STATE)));
};
const output = (): string => `${device.root}/out.tgz`;
const exported = (onBytes?: (done: number, total: number) => void) =>
  exportRevision(linuxFiles, {
    storage: device.paths.storage,
    revision: 'locals/x',
    output: output(),
    ...(onBytes === undefined ? {} : { onBytes }),
  });

describe('an export', () => {
  test('enters another storage as it was, blanks included, and not twice', async () => {
    await install();
    const told: string[] = [];
    expect(await exported((done, total) => told.push(`${done} of ${total}`))).toMatchObject({
      objects: 2,
      sizeBytes: 3,
    });
    expect(told.at(-1)).toBe('3 of 3');
    const other = await testDevice();
    try {
      const target = await other.reopen();
      const request = { archive: output(), revision: 'locals/y' };
      expect(await importTarball(linuxFiles, target, request)).toMatchObject({ objects: 2, added: 2 });
      expect((await target.document('locals/y'))?.toString()).toBe(STATE);
      expect(await importTarball(linuxFiles, target, request)).toMatchObject({ objects: 2, added: 0 });
    } finally {
      await other.remove();
    }
  });

  test('takes from the trail what the store has lost', async () => {
    await install();
    await rm(`${device.paths.storage}/objects/${sha256('b')}`);
    expect(await exported()).toMatchObject({ objects: 2 });
  });

  test('with a corrupt object is none, and the file before it stays', async () => {
    await install();
    await writeFile(output(), 'before');
    await writeFile(`${device.paths.storage}/objects/${sha256('b')}`, 'X');
    await expect(exported()).rejects.toThrow(/expected the sha256 .*, but saw/);
    expect((await linuxFiles.read(output(), 100))?.toString()).toBe('before');
  });

  test.each(['locals/none', '../x', '', 'current'])('of %j says that there is none', async (revision) => {
    const request = { storage: device.paths.storage, revision, output: output() };
    await expect(exportRevision(linuxFiles, request)).rejects.toThrow(Rejection);
    expect(await linuxFiles.stat(output())).toBeUndefined();
  });
});

describe('an import', () => {
  test('that does not fit writes nothing', async () => {
    await install();
    await exported();
    const space = async () => ({ totalBytes: 100, freeBytes: 6 });
    const other = await testDevice();
    try {
      const target = await other.reopen({ ...linuxFiles, space }, { limits: () => ({ reservedPercent: 5 }) });
      const importing = importTarball(linuxFiles, target, { archive: output(), revision: 'locals/y' });
      await expect(importing).rejects.toThrow(new NoRoom(3, 1));
      expect(await other.files.list(`${other.paths.storage}/objects`)).toEqual([]);
    } finally {
      await other.remove();
    }
  });
});

describe('the difference of two revisions', () => {
  const before = parse(JSON.stringify({ ...SPEC, 'web/run.json': { a: 1 }, 'web/x': sha256('x'), 'db/run.json': {} }));
  const after = parse(
    JSON.stringify({
      ...SPEC,
      'web/run.json': { a: 2 },
      'web/y': sha256('y'),
      'web/z': sha256('y'),
      'mq/run.json': {},
    }),
  );
  const difference = differenceOf(before, after, (id) => (id === sha256('y') ? 10 : undefined));

  test('names containers and objects', () => {
    expect(difference.containers).toEqual([
      { name: 'db', change: 'removed' },
      { name: 'mq', change: 'added' },
      { name: 'web', change: 'changed' },
    ]);
    expect(difference.objects.map(({ name, change }) => `${change} ${name}`)).toEqual([
      'removed web/x',
      'added web/y',
      'added web/z',
    ]);
  });

  test('counts an object once, whatever its number of paths', () => expect(difference.addedBytes).toBe(10));

  test('has a patch that makes one of the other', () => {
    const old = JSON.parse(before.text);
    const patched = jsonPatch.applyPatch(old, [...difference.patch], true, false).newDocument;
    expect(patched).toEqual(JSON.parse(after.text));
  });

  test('is nothing when only blanks differ', () => {
    expect(differenceOf(before, parse(` ${before.text}`), () => 1)).toEqual({
      containers: [],
      objects: [],
      patch: [],
      addedBytes: 0,
      removedBytes: 0,
    });
  });
});

describe('progress', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_500, '1.5 kB'],
    [123_456_789, '123 MB'],
    [5e15, '5000 TB'],
  ])('%i bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

  test.each([
    [true, /^\r.*a\.tgz \[#{15} {15}\] 50% of 10 B/],
    [false, /^$/],
  ])('is drawn on a terminal (%s), and only there', (isTTY, shown) => {
    let text = '';
    const bar = progressBar('a.tgz', {
      isTTY,
      write: (part: string | Uint8Array) => {
        text += part;
        return true;
      },
    });
    bar.show(5, 10);
    expect(text).toMatch(shown);
  });
});

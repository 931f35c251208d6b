/** Objects that arrive in parts, over cut connections, restarts and full disks. */
import { truncate } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeviceError, type Files } from '../../../../runtime/host/host.ts';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import {
  openPartialUploads,
  type Part,
  type PartialUploads,
} from '../../../../runtime/store/objects/partial-uploads.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { streamOf, type TestDevice, testDevice } from '../device.ts';

const CONTENT = 'the content of an object';
const ID = sha256(CONTENT);
const KEPT_SECONDS = 600;

let device: TestDevice;
let store: Store;
let uploads: PartialUploads;

const open = async (files: Files = linuxFiles): Promise<void> => {
  store = await device.reopen(files);
  uploads = await openPartialUploads({
    store,
    files,
    clock: device.clock,
    paths: device.paths,
    keptSeconds: () => KEPT_SECONDS,
  });
};
beforeEach(async () => {
  device = await testDevice();
  await open();
});
afterEach(() => device.remove());

const part = (offset: number, end?: number): Part => {
  const text = CONTENT.slice(offset, end);
  return { content: streamOf(text), offset, totalBytes: CONTENT.length, sizeBytes: text.length };
};
async function* breaking(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* streamOf(...chunks);
  throw new Error('the connection was cut');
}
const cutAfter = (text: string): Part => ({
  content: breaking(text),
  offset: 0,
  totalBytes: CONTENT.length,
  sizeBytes: CONTENT.length,
});
const stored = async (): Promise<string | undefined> =>
  (await linuxFiles.read(`${device.paths.storage}/objects/${ID}`, 100))?.toString();
const begun = (): Promise<readonly string[] | undefined> => linuxFiles.list(`${device.paths.storage}/uploads`);

describe('an object', () => {
  test('arrives whole', async () => {
    expect(await uploads.put(ID, { ...part(0), totalBytes: undefined })).toEqual({ outcome: 'stored' });
    expect(await stored()).toBe(CONTENT);
    expect(await begun()).toEqual([]);
    expect(await uploads.look(ID)).toEqual({ bytes: CONTENT.length, isComplete: true });
  });

  test('arrives in parts, and is not there before the last', async () => {
    expect(await uploads.look(ID)).toBeUndefined();
    expect(await uploads.put(ID, part(0, 5))).toEqual({ outcome: 'partial', offset: 5 });
    expect(await uploads.put(ID, part(5, 9))).toEqual({ outcome: 'partial', offset: 9 });
    expect(await stored()).toBeUndefined();
    expect(await uploads.look(ID)).toEqual({ bytes: 9, isComplete: false });
    expect(await uploads.put(ID, part(9))).toEqual({ outcome: 'stored' });
    expect(await stored()).toBe(CONTENT);
  });

  test('without content is one, too', async () => {
    const empty = { content: streamOf(), offset: 0, totalBytes: 0, sizeBytes: 0 };
    expect(await uploads.put(sha256(''), empty)).toEqual({ outcome: 'stored' });
    expect(await uploads.look(sha256(''))).toEqual({ bytes: 0, isComplete: true });
  });

  test('that is stored already is not looked at', async () => {
    await uploads.put(ID, part(0));
    const content = breaking('nobody reads this');
    expect(await uploads.put(ID, { content, offset: 7, totalBytes: 90, sizeBytes: 9 })).toEqual({ outcome: 'stored' });
  });

  test.each([
    ['of another sum', () => ({ ...part(0), content: streamOf('x'.repeat(CONTENT.length)) })],
    ['that is longer than it says', () => ({ ...part(0), content: streamOf(`${CONTENT}!`), totalBytes: undefined })],
  ])('%s is none, and nothing of it stays', async (_, bad) => {
    expect(await uploads.put(ID, bad())).toEqual({ outcome: 'bad checksum' });
    expect([await stored(), await begun()]).toEqual([undefined, []]);
  });

  test('of which more comes than was announced is not taken', async () => {
    const content = (async function* () {
      for (;;) yield Buffer.alloc(100);
    })();
    const endless = { content, offset: 0, totalBytes: CONTENT.length, sizeBytes: undefined };
    await expect(uploads.put(ID, endless)).rejects.toThrow(`expected ${CONTENT.length} bytes, but more came`);
    expect(await uploads.look(ID)).toEqual({ bytes: 0, isComplete: false });
  });

  test('whose name is none is refused', async () => {
    expect(await uploads.put('../../etc', part(0))).toEqual({ outcome: 'bad checksum' });
    expect(await uploads.look('../../etc')).toBeUndefined();
  });
});

describe('an upload that was cut off', () => {
  test('goes on where it was', async () => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    expect(await uploads.look(ID)).toEqual({ bytes: 7, isComplete: false });
    expect(await uploads.put(ID, part(7))).toEqual({ outcome: 'stored' });
    expect(await stored()).toBe(CONTENT);
  });

  test('goes on after a restart of the daemon', async () => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    await open();
    expect(await uploads.look(ID)).toEqual({ bytes: 7, isComplete: false });
    expect(await uploads.put(ID, part(7))).toEqual({ outcome: 'stored' });
  });

  test('of which a power cut took something goes on from there', async () => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    await truncate(`${device.paths.storage}/uploads/${ID}`, 3);
    await open();
    expect(await uploads.put(ID, part(7))).toEqual({ outcome: 'wrong offset', offset: 3 });
    expect(await uploads.put(ID, part(3))).toEqual({ outcome: 'stored' });
  });

  test('whose beginning was damaged meanwhile is not taken for the object', async () => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    await linuxFiles.write(`${device.paths.storage}/uploads/${ID}`, 'THE con', 0o644);
    await open();
    expect(await uploads.put(ID, part(7))).toEqual({ outcome: 'bad checksum' });
    expect(await begun()).toEqual([]);
  });

  test('begins anew when it is told to', async () => {
    await expect(uploads.put(ID, cutAfter('something else'))).rejects.toThrow('was cut');
    expect(await uploads.put(ID, part(0))).toEqual({ outcome: 'stored' });
  });

  test.each([
    ['beyond what is there', 9],
    ['before it', 2],
  ])('does not go on %s', async (_, offset) => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    expect(await uploads.put(ID, part(offset))).toEqual({ outcome: 'wrong offset', offset: 7 });
  });

  test('is no garbage while it is young, counted from its last piece or from the start of the daemon', async () => {
    await expect(uploads.put(ID, cutAfter(CONTENT.slice(0, 7)))).rejects.toThrow('was cut');
    await open();
    device.clock.advance(KEPT_SECONDS * 1000 - 1);
    await store.collect();
    expect(await begun()).toEqual([ID]);
    device.clock.advance(1);
    await store.collect();
    expect(await begun()).toEqual([]);
  });
});

describe('while a client uploads', () => {
  /** Content of which the second half comes when it is told to. */
  const slow = (): { readonly part: Part; readonly more: () => void } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const content = (async function* () {
      yield Buffer.from(CONTENT.slice(0, 7));
      await promise;
      yield Buffer.from(CONTENT.slice(7));
    })();
    return { part: { ...part(0), content }, more: resolve };
  };

  test('its object is no garbage, however long it takes', async () => {
    const { part: first, more } = slow();
    const putting = uploads.put(ID, first);
    device.clock.advance(KEPT_SECONDS * 10_000);
    await store.collect();
    more();
    expect(await putting).toEqual({ outcome: 'stored' });
    await store.collect();
    expect(await stored()).toBe(CONTENT);
  });

  test('another one is told to come back, and the first ends well', async () => {
    const { part: first, more } = slow();
    const putting = uploads.put(ID, first);
    const second = uploads.put(ID, part(0));
    device.clock.advance(500);
    expect(await second).toEqual({ outcome: 'busy' });
    more();
    expect(await putting).toEqual({ outcome: 'stored' });
  });

  test('and ends in a moment, another one waits for that', async () => {
    const { part: first, more } = slow();
    const putting = uploads.put(ID, first);
    const second = uploads.put(ID, part(0));
    more();
    expect([await putting, await second]).toEqual([{ outcome: 'stored' }, { outcome: 'stored' }]);
  });

  test('and nothing comes any more, another one takes its place', async () => {
    const { part: first, more } = slow();
    const putting = uploads.put(ID, first).catch((error: unknown) => error);
    device.clock.advance(5_000);
    expect(await uploads.put(ID, part(0))).toEqual({ outcome: 'stored' });
    expect(await putting).toMatchObject({ message: expect.stringContaining('another connection goes on with it') });
    more();
    expect(await stored()).toBe(CONTENT);
  });
});

describe('without room', () => {
  const full = (freeBytes: number): Files => ({ ...linuxFiles, space: async () => ({ totalBytes: 1000, freeBytes }) });

  test('nothing is taken of what is too large', async () => {
    await open(full(60));
    let asked = 0;
    const content = (async function* () {
      asked += 1;
      yield Buffer.from(CONTENT);
    })();
    expect(await uploads.put(ID, { ...part(0), content })).toEqual({ outcome: 'no room' });
    expect([asked, await begun()]).toEqual([0, []]);
  });

  test('nothing stays of what grew too large', async () => {
    await open(full(60));
    const content = streamOf('12345', CONTENT, CONTENT);
    expect(await uploads.put(ID, { content, offset: 0, totalBytes: undefined, sizeBytes: undefined })).toEqual({
      outcome: 'no room',
    });
    expect(await begun()).toEqual([]);
  });

  test('nothing stays of what the disk refuses', async () => {
    await open({
      ...linuxFiles,
      append: (path, content, mode) =>
        content.length > 0 && path.includes('/uploads/')
          ? Promise.reject(new DeviceError('append', path, 'ENOSPC'))
          : linuxFiles.append(path, content, mode),
    });
    expect(await uploads.put(ID, part(0))).toEqual({ outcome: 'no room' });
    expect(await begun()).toEqual([]);
  });

  test('of too many beginnings the one that was left alone for longest goes', async () => {
    for (let number = 0; number < 65; number += 1) {
      const text = `object ${number}`;
      const begin = { content: streamOf('o'), offset: 0, totalBytes: text.length, sizeBytes: 1 };
      expect(await uploads.put(sha256(text), begin)).toEqual({ outcome: 'partial', offset: 1 });
    }
    expect(await begun()).toHaveLength(64);
    expect(await begun()).not.toContain(sha256('object 0'));
  });
});

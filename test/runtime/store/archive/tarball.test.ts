import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeviceError } from '../../../../runtime/host/host.ts';
import { readTarball, TARBALL_LIMITS, type TarballLimits } from '../../../../runtime/store/archive/tarball.ts';
import { tarballOf } from '../../../../runtime/store/archive/tarball-write.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../../runtime/store/rejection.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { streamOf, type TestDevice, testDevice } from '../device.ts';
import { gzipped, type RawEntry, rawTar } from '../tar-builder.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const STATE = '{"#spec":"pantavisor-service-system@1"}';
const [A, B] = ['content of a', 'content of b, longer '.repeat(100)];
const json: RawEntry = { name: 'json', content: STATE };
const object = (content: string): RawEntry => ({ name: `objects/${sha256(content)}`, content });

const load = async (archive: Uint8Array, limits: Partial<TarballLimits> = {}): Promise<string> =>
  (await readTarball(streamOf(archive), store, { ...TARBALL_LIMITS, ...limits })).toString();
const stored = (): Promise<readonly string[] | undefined> => device.files.list(`${device.paths.storage}/objects`);

const whole = rawTar(json, object(A), object(B));

describe('accepted', () => {
  const both = [sha256(A), sha256(B)].sort();

  test.each<[string, Uint8Array]>([
    ['a plain tar', whole],
    ['a gzipped tar, whatever its name', gzipped(whole)],
    ['objects before the json', rawTar(object(B), object(A), json)],
    [
      'names with ./ and directories, as tar c . writes them',
      rawTar(
        { name: './', flag: '5' },
        { name: './objects/', flag: '5' },
        { name: `./objects/${sha256(A)}`, content: A },
        { name: `./objects/${sha256(B)}`, content: B },
        { name: './json', content: STATE },
      ),
    ],
    ['an object once per file that refers to it, as pvr exports', rawTar(json, object(A), object(B), object(A))],
    ['two gzip members in a row', Buffer.concat([gzipSync(whole.subarray(0, 700)), gzipSync(whole.subarray(700))])],
    [
      'global PAX headers, which name no entry',
      rawTar({ name: 'g', flag: 'g', content: '18 path=../../etc\n' }, json, object(A), object(B)),
    ],
    ['no end-of-archive blocks', whole.subarray(0, whole.length - 1024)],
  ])('%s', async (_, archive) => {
    expect(await load(archive)).toBe(STATE);
    expect(await stored()).toEqual(both);
  });

  test('one byte at a time', async () => {
    const bytes = Array.from(gzipped(whole), (byte) => Uint8Array.of(byte));
    expect((await readTarball(streamOf(...bytes), store)).toString()).toBe(STATE);
    expect(await stored()).toEqual(both);
  });

  test('what is stored already, on a full disk', async () => {
    await load(whole);
    const full = { ...store, space: async () => ({ freeBytes: 0 }) };
    expect((await readTarball(streamOf(whole), full)).toString()).toBe(STATE);
  });
});

/** An entry whose header PAX changes. */
const paxed = (...records: readonly string[]): Buffer => {
  const lines = records.map((record) => {
    const bare = ` ${record}\n`.length;
    const length = bare + String(bare + 2).length;
    return `${length} ${record}\n`;
  });
  return rawTar({ name: 'p', flag: 'x', content: lines.join('') }, json, object(A));
};

/** An entry whose size begins with these bytes. */
const sized = (entry: RawEntry, ...first: readonly number[]): Buffer => {
  const archive = rawTar(entry);
  archive.set(first, 124);
  archive.write('        ', 148);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return archive;
};

describe('refused, leaving nothing but sound objects', () => {
  const sum = sha256(A);
  test.each<[string, Uint8Array, RegExp, Partial<TarballLimits>?]>([
    [
      'an absolute path',
      rawTar({ name: '/etc/passwd', content: 'x' }),
      /entry "\/etc\/passwd": expected "json" or "objects\/<sha256>"/,
    ],
    ['a path upwards', rawTar({ name: '../../x', content: 'x' }), /entry "..\/..\/x": expected "json"/],
    ['a path upwards below objects', rawTar({ name: `objects/../${sum}`, content: A }), /expected "json" or/],
    ['./ twice before a path upwards', rawTar({ name: './../json', content: STATE }), /expected "json" or/],
    ['an object with a name of another form', rawTar({ name: 'objects/x', content: 'x' }), /expected "json" or/],
    ['an object in upper case', rawTar({ name: `objects/${sum.toUpperCase()}`, content: A }), /expected "json" or/],
    ['a directory around everything', rawTar({ name: 'device/json', content: STATE }), /entry "device\/json"/],
    [
      'a symlink',
      rawTar({ name: 'json', flag: '2', link: '/etc/passwd' }),
      /entry "json": expected a regular file, but it is a symlink/,
    ],
    [
      'a symlink for objects',
      rawTar({ name: 'objects', flag: '2', link: '/etc' }),
      /entry "objects": expected a regular file, but it is a symlink/,
    ],
    [
      'a hard link',
      rawTar({ name: `objects/${sum}`, flag: '1', link: 'json' }),
      /expected a regular file, but it is a link/,
    ],
    ['a device node', rawTar({ name: 'json', flag: '4' }), /but it is a block-device/],
    ['a FIFO', rawTar({ name: 'json', flag: '6' }), /but it is a fifo/],
    ['a sparse file', rawTar({ name: 'json', flag: 'S' }), /special or sparse/],
    [
      'a sparse file by PAX',
      rawTar({ name: 'p', flag: 'x', content: '22 GNU.sparse.major=1\n' }, json),
      /entry "json": .* special or sparse/,
    ],
    ['a path by PAX', rawTar({ name: 'p', flag: 'x', content: '18 path=../../etc\n' }, json), /entry "..\/..\/etc"/],
    [
      'a path by GNU long name',
      rawTar({ name: 'L', flag: 'L', content: '/etc/cron.d/x\0' }, json),
      /entry "\/etc\/cron.d\/x"/,
    ],
    ['a path by PAX that PAX gives twice', paxed('path=json', 'path=/etc/passwd'), /entry "\/etc\/passwd"/],
    ['a link by PAX', paxed('linkpath=/etc/passwd', 'path=objects/x'), /entry "objects\/x"/],
    ['a size by PAX that is no size', paxed('size=-1'), /expected a size|headers are damaged/],
    ['a size by PAX beyond what follows', paxed('size=99999'), /ends too early|expected at most/],
    ['a size in base 256 that is negative', sized(json, 0xff), /expected a size|headers are damaged/],
    ['a size in base 256 beyond all disks', sized(object(A), 0x80, 0x7f), /expected a size|expected at most/],
    [
      'a PAX header that does not end',
      rawTar({ name: 'p', flag: 'x', content: `${'9'.repeat(40)} path=json\n` }, json),
      /expected/,
    ],
    [
      'a PAX header larger than memory',
      rawTar({ name: 'p', flag: 'x', content: Buffer.alloc(16 << 20, 'x') }, json),
      /headers are damaged|at most/,
    ],
    [
      'a GNU long name larger than memory',
      rawTar({ name: 'L', flag: 'L', content: Buffer.alloc(16 << 20, 'x') }, json),
      /headers are damaged|at most/,
    ],
    ['an archive behind it with another json', Buffer.concat([whole, rawTar(json)]), /json": expected it once/],
    ['a gzipped archive within', gzipSync(gzipSync(whole)), /expected a tar archive|ends too early/],
    ['a bomb in a bomb', gzipSync(gzipSync(Buffer.alloc(64 << 20))), /expected a tar archive|ends too early/],
    ['a character device', rawTar({ name: 'json', flag: '3' }), /but it is a character-device/],
    ['a name with a NUL in the middle', rawTar({ name: 'json\0/../../etc', content: '{}', size: 0 }), /expected/],
    ['wrong content', rawTar(json, { name: `objects/${sum}`, content: 'other' }), /expected content with that sha256/],
    ['no json', rawTar(object(A)), /expected an entry "json"/],
    ['no entries', rawTar(), /expected an entry "json"/],
    ['nothing', Buffer.alloc(0), /expected an entry "json"/],
    ['json twice', rawTar(json, json), /entry "json": expected it once/],
    ['a text', Buffer.from('hello '.repeat(200)), /expected a tar archive, gzipped or not/],
    ['a short text', Buffer.from('hello'), /ends too early/],
    ['an archive cut in an object', rawTar(json, object(B)).subarray(0, 1024 + 512 + 100), /ends too early/],
    ['an archive cut in a header', rawTar(json, object(B)).subarray(0, 1024 + 100), /ends too early/],
    ['gzip cut short', gzipped(rawTar(json, object(B))).subarray(0, 100), /ends too early/],
    ['gzip with a wrong checksum', flipped(gzipped(rawTar(json, object(A))), -6), /expected valid gzip/],
    ['a size beyond what follows', rawTar(json, { ...object(A), size: 5000 }), /ends too early|sha256/],
    ['too many entries', rawTar(json, object(A), object(B)), /at most 2 entries/, { entries: 2 }],
    ['too large a json', rawTar(json), /entry "json": expected at most 10 bytes, but it has 39/, { documentBytes: 10 }],
    ['too large an object', rawTar(object(A)), /expected at most 5 bytes, but it has 12/, { objectBytes: 5 }],
    ['a gzip bomb', gzipSync(Buffer.alloc(50 * 2 ** 20)), /at most 1048576 bytes unpacked/, { totalBytes: 2 ** 20 }],
  ])('%s', async (_, archive, message, limits) => {
    const failure = await load(archive, limits).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Rejection);
    expect(String(failure)).toMatch(message);
    for (const name of (await stored()) ?? []) expect(await store.verifyObject(name), name).toBe('sound');
    expect(await device.files.list(device.root)).toEqual(['storage']);
  });

  test('more than fits', async () => {
    const sink = { ...store, space: async () => ({ freeBytes: 5 }) };
    await expect(readTarball(streamOf(rawTar(json, object(A))), sink)).rejects.toThrow(
      /Space required 12 B, available 5 B/,
    );
  });

  test('what the disk says goes through unchanged, and closes the archive', async () => {
    let closed = false;
    async function* archive(): AsyncGenerator<Uint8Array> {
      try {
        yield rawTar(json, object(B));
        yield Buffer.alloc(1 << 20);
      } finally {
        closed = true;
      }
    }
    const refusal = new DeviceError('write', 'x', 'ENOSPC');
    const sink = { ...store, putObject: async () => Promise.reject(refusal) };
    await expect(readTarball(archive(), sink)).rejects.toBe(refusal);
    expect(closed).toBe(true);
  });

  test('a source that fails', async () => {
    const refusal = new DeviceError('read', 'x', 'EIO');
    async function* archive(): AsyncGenerator<Uint8Array> {
      yield rawTar(json, object(B)).subarray(0, 2000);
      throw refusal;
    }
    await expect(readTarball(archive(), store)).rejects.toBe(refusal);
    expect(await stored()).toEqual([]);
  });
});

test('what is written can be read, and is the same bytes every time', async () => {
  const objects = [A, B].map((content) => ({
    id: sha256(content),
    sizeBytes: content.length,
    content: () => streamOf(content),
  }));
  for (const gzip of [true, false]) {
    const first = await collect(tarballOf(Buffer.from(STATE), objects, { gzip }));
    expect(await collect(tarballOf(Buffer.from(STATE), objects, { gzip }))).toEqual(first);
    expect(await load(first)).toBe(STATE);
  }
});

test.each([true, false])('an object that cannot be read ends the writing (gzip %s)', async (gzip) => {
  const refusal = new DeviceError('read', 'x', 'EIO');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc');
    throw refusal;
  }
  const objects = [{ id: sha256(A), sizeBytes: 12, content: failing }];
  await expect(collect(tarballOf(Buffer.from(STATE), objects, { gzip }))).rejects.toThrow(/EIO/);
});

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  const index = changed.length + at;
  changed[index] = (changed[index] ?? 0) ^ 0xff;
  return changed;
}

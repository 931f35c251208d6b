/**
 * Export tarballs: `json`, the state document, and `objects/<sha256>`, in any order, gzipped or not.
 * Reading streams every object into a sink and trusts nothing: names, types, sizes, counts and sums are checked, and
 * what is wrong ends the import with a Rejection that names the entry and what was expected. Objects that were stored
 * and verified before that stay; they are what their names say.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, extract, type Header } from 'tar-stream';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { inFlight } from '../in-flight.ts';
import { Rejection } from '../rejection.ts';
import { NoRoom } from '../space/room.ts';
import { isObjectId } from '../trails/revision.ts';
import { peek } from './stream-head.ts';

export interface TarballLimits {
  readonly entries: number;
  readonly documentBytes: number;
  readonly objectBytes: number;
  /** Of the whole archive, unpacked: what a gzip bomb meets. */
  readonly totalBytes: number;
  /** Entries that no export contains. */
  readonly foreign: 'refused' | 'skipped';
}

export const TARBALL_LIMITS: TarballLimits = {
  entries: 2 * STATE_LIMITS.keys,
  documentBytes: STATE_LIMITS.documentBytes,
  objectBytes: 8 * 2 ** 30,
  totalBytes: 32 * 2 ** 30,
  foreign: 'refused',
};

export interface ObjectSink {
  missingObjects(ids: Iterable<string>): Promise<readonly string[]>;
  /** `content` has `sizeBytes`, or ends with an error. */
  putObject(id: string, content: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<void>;
  space(): Promise<{ readonly freeBytes: number }>;
}

/** Small objects are mostly waiting for the disk: several at once share its syncs. */
const AT_ONCE = 32;
const SMALL_BYTES = 128 * 1024;

/** Content of one entry. tar-stream's streams are typed as iterables of unknown; they yield bytes. */
type Content = AsyncIterable<Uint8Array>;

interface Entry {
  readonly header: Header;
  readonly content: Content;
}

/** The entry as people know it: `tar c .` writes `./json`. */
const nameOf = (header: Header): string => header.name.replace(/^\.\//, '').replace(/\/$/, '');

const isSparse = (header: Header): boolean =>
  typeof header.pax === 'object' && Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse'));

type Part =
  | { readonly part: 'document' }
  | { readonly part: 'object'; readonly id: string }
  | { readonly part: 'none' };

const isForeign = (name: string): boolean => name !== 'json' && !name.startsWith('objects/');

/** What an entry is. @throws Rejection for everything that an export does not contain. */
const partOf = (header: Header, { foreign }: TarballLimits): Part => {
  const name = nameOf(header);
  const shown = `entry ${JSON.stringify(header.name)}`;
  // A size in a base that tar-stream does not know comes as null, and it would wait for the content for ever.
  if (!Number.isSafeInteger(header.size)) throw new Rejection(`${shown}: expected a size, but saw ${header.size}`);
  if (foreign === 'skipped' && isForeign(name)) return { part: 'none' };
  if (header.type === 'directory' && ['', '.', 'objects'].includes(name)) return { part: 'none' };
  if (header.type !== 'file' || isSparse(header)) {
    const type = header.type === 'file' ? undefined : header.type;
    throw new Rejection(`${shown}: expected a regular file, but it is a ${type ?? 'special or sparse file'}`);
  }
  if (name === 'json') return { part: 'document' };
  const id = name.startsWith('objects/') ? name.slice('objects/'.length) : '';
  if (!isObjectId(id)) throw new Rejection(`${shown}: expected "json" or "objects/<sha256>"`);
  return { part: 'object', id };
};

const collect = async (content: Content): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const drain = async (content: Content): Promise<void> => {
  for await (const _ of content); // reading is what makes the next entry come
};

const checkSize = (header: Header, maxBytes: number): void => {
  if (header.size > maxBytes)
    throw new Rejection(`entry "${header.name}": expected at most ${maxBytes} bytes, but it has ${header.size}`);
};

const storeObject = async (
  id: string,
  { header, content }: Entry,
  sink: ObjectSink,
  limits: TarballLimits,
): Promise<void> => {
  checkSize(header, limits.objectBytes);
  const { freeBytes } = await sink.space();
  if (header.size > freeBytes && (await sink.missingObjects([id])).length > 0) throw new NoRoom(header.size, freeBytes);
  await sink.putObject(id, content, header.size);
};

/** @throws Rejection, DeviceError. Returns the bytes of `json`. */
export const readTarball = async (
  archive: AsyncIterable<Uint8Array>,
  sink: ObjectSink,
  limits: TarballLimits = TARBALL_LIMITS,
): Promise<Buffer> => {
  const entries = extract();
  const feeding = feed(archive, entries, limits);
  // Awaited below. An archive that cannot even be opened feeds nothing, and the loop would wait for ever.
  feeding.catch(() => entries.destroy());
  let document: Buffer | undefined;
  let count = 0;
  const stored = new Set<string>();
  const storing = inFlight(AT_ONCE);
  try {
    for await (const source of entries) {
      const { header } = source;
      const content = source as Content; // see Content
      if (++count > limits.entries) throw new Rejection(`expected at most ${limits.entries} entries, but it has more`);
      const part = partOf(header, limits);
      if (part.part === 'document') {
        if (document !== undefined) throw new Rejection('entry "json": expected it once, but it comes again');
        checkSize(header, limits.documentBytes);
        document = await collect(content);
        // pvr writes an object once per file that refers to it.
      } else if (part.part === 'none' || stored.has(part.id)) {
        await drain(content);
      } else {
        stored.add(part.id);
        const { id } = part;
        if (header.size > SMALL_BYTES) await storeObject(id, { header, content }, sink, limits);
        else {
          const whole = [await collect(content)];
          await storing.begin(() => storeObject(id, { header, content: Readable.from(whole) }, sink, limits));
        }
      }
    }
    await feeding;
    await storing.land();
  } catch (error) {
    entries.destroy();
    await storing.land().catch(() => undefined); // nothing is written behind the caller's back; `error` came first
    const fault = await feeding.then(
      () => undefined,
      (reason: unknown) => reason,
    ); // the archive is closed now
    // An entry that is cut off only says that its stream was destroyed; the archive says why.
    throw rejectionOf(isStreamEnd(error) ? (fault ?? error) : error);
  }
  if (document === undefined) throw new Rejection('expected an entry "json" with the state, but there is none');
  return document;
};

const feed = async (archive: AsyncIterable<Uint8Array>, entries: Extract, limits: TarballLimits): Promise<void> => {
  // By its magic number, whatever the file is called.
  const { head, content } = await peek(archive, 2);
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const counted = limitBytes(limits.totalBytes);
  const sink = entries as unknown as NodeJS.WritableStream; // streamx implements Node's interface, its types do not
  if (isGzip) await pipeline(content, createGunzip(), counted, sink);
  else await pipeline(content, counted, sink);
};

const limitBytes = (maxBytes: number) =>
  async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let total = 0;
    for await (const chunk of source) {
      total += chunk.length;
      if (total > maxBytes) throw new Rejection(`expected at most ${maxBytes} bytes unpacked, but it has more`);
      yield chunk;
    }
  };

const isStreamEnd = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['STREAM_DESTROYED', 'PREMATURE_CLOSE'].includes(String(error.code));

/** What zlib and tar-stream say about bytes that are no archive. Every other error is passed on as it is. */
const rejectionOf = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR' || error.message === 'Unexpected end of data')
    return new Rejection('expected a whole archive, but it ends too early', { cause: error });
  if (code.startsWith('Z_')) return new Rejection(`expected valid gzip, but saw: ${error.message}`, { cause: error });
  if (/^(Header exceeds max size|Invalid header|Invalid tar header|Invalid pax)/.test(error.message))
    return new Rejection('expected a tar archive, gzipped or not, but its headers are damaged', { cause: error });
  return error;
};

/**
 * The object store `objects/<sha256>`: content-addressed, written whole or not at all, checked when it is used.
 * Anything in the directory whose name starts with a dot is ours: uploads in progress and quarantined content.
 */
import { DeviceError, type Files } from '../host/host.ts';
import { sha256OfStream } from './hash.ts';
import { Rejection } from './rejection.ts';
import { isObjectId } from './revision.ts';

const UPLOAD = '.upload-';
const QUARANTINE = '.corrupt-';
const STAT_BATCH = 32;

export type ObjectState = 'sound' | 'missing' | 'corrupt';

export interface Objects {
  /** Those that are not stored, each once, in the given order. */
  missing(ids: Iterable<string>): Promise<readonly string[]>;
  /**
   * Stores `content`, which must have the sha256 `id`; content that is stored already is only compared.
   * @throws Rejection when it is something else or larger than `maxBytes`; nothing is left behind then.
   */
  put(id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void>;
  /** Reads and hashes one object. A corrupt one is moved to `.corrupt-<id>` and reported; it then counts as missing. */
  verify(id: string): Promise<ObjectState>;
  /** Removes what uploads left that a crash or power cut ended. Only while nothing is being uploaded. */
  sweep(): Promise<void>;
}

const tooBig = (id: string, maxBytes: number, cause?: unknown): Rejection =>
  new Rejection(`object ${id}: expected at most ${maxBytes} bytes, but it has more`, { cause });

export const openObjects = (
  files: Files,
  directory: string,
  onProblem: (subject: string, message: string) => void,
): Objects => {
  let uploads = 0;
  const pathOf = (id: string): string => `${directory}/${id}`;
  const isStored = async (id: string): Promise<boolean> =>
    isObjectId(id) && (await files.stat(pathOf(id)))?.type === 'file';

  const verify = async (id: string): Promise<ObjectState> => {
    if (!(await isStored(id))) return 'missing';
    const actual = await sha256OfStream(files.stream(pathOf(id)));
    if (actual === id) return 'sound';
    await files.rename(pathOf(id), `${directory}/${QUARANTINE}${id}`);
    onProblem(`object/${id}`, `its content has the sha256 ${actual}; moved to objects/${QUARANTINE}${id}`);
    return 'corrupt';
  };

  const compare = async (id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> =>
    sha256OfStream(content, (total) => {
      if (total > maxBytes) throw tooBig(id, maxBytes);
    });

  const upload = async (id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> => {
    const temporary = `${directory}/${UPLOAD}${id}-${uploads++}`;
    try {
      const { sha256 } = await files.writeStream(temporary, content, { mode: 0o644, maxBytes });
      if (sha256 !== id) throw mismatch(id, sha256);
      await files.rename(temporary, pathOf(id));
    } catch (error) {
      await files.remove(temporary);
      throw error instanceof DeviceError && error.code === 'EFBIG' ? tooBig(id, maxBytes, error) : error;
    }
  };

  const mismatch = (id: string, actual: string): Rejection =>
    new Rejection(`object ${id}: expected content with that sha256, but its sha256 is ${actual}`);

  return {
    verify,
    missing: async (ids) => {
      const unique = [...new Set(ids)];
      const missing: string[] = [];
      for (let start = 0; start < unique.length; start += STAT_BATCH) {
        const batch = unique.slice(start, start + STAT_BATCH);
        const stored = await Promise.all(batch.map(isStored));
        missing.push(...batch.filter((_, index) => !stored[index]));
      }
      return missing;
    },
    put: async (id, content, maxBytes) => {
      if (!isObjectId(id)) throw new Rejection(`object ${id}: expected a name of 64 lower-case hex digits`);
      if ((await verify(id)) !== 'sound') return upload(id, content, maxBytes);
      const actual = await compare(id, content, maxBytes);
      if (actual !== id) throw mismatch(id, actual);
    },
    sweep: async () => {
      const names = (await files.list(directory)) ?? [];
      for (const name of names) {
        if (name.startsWith('.') && !name.startsWith(QUARANTINE)) await files.remove(`${directory}/${name}`);
      }
    },
  };
};

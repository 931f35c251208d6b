/**
 * Objects that arrive in parts: what a connection that was cut, or a daemon that ended, left of one is gone on with.
 *
 *   nothing --part at 0--> `uploads/<sha256>` grows --last part, right sum--> `objects/<sha256>`
 *                             |  cut: stays, and is kept from the garbage collector for a while
 *                             '- wrong sum, no room: removed
 *
 * In: content and where it begins. Out: an object, or how much of it is there. One connection at a time works on an
 * object; one on which nothing has come for a while gives way to another. Memory does not depend on any size.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Paths } from '../../../resources/paths.ts';
import type { Clock, Files } from '../../host/host.ts';
import { Rejection } from '../rejection.ts';
import { isFull, whileThereIsRoom } from '../space/limited-content.ts';
import type { Store } from '../store.ts';
import { uploadsIn } from '../trails/layout.ts';
import { isObjectId } from '../trails/revision.ts';
import { sha256OfStream } from './hash.ts';
import { keepingFor } from './retention.ts';

export interface PartialUploadsOptions {
  readonly store: Pick<Store, 'holdObjects' | 'makeRoom' | 'takeObject' | 'verifyObject'>;
  readonly files: Files;
  readonly clock: Clock;
  readonly paths: Pick<Paths, 'storage'>;
  /** How long something is kept on which nothing happens. */
  readonly keptSeconds: () => number;
}

export interface Part {
  readonly content: AsyncIterable<Uint8Array>;
  readonly offset: number;
  /** Of the whole object; undefined: it ends with this part. */
  readonly totalBytes: number | undefined;
  /** Of this part, if it is known. */
  readonly sizeBytes: number | undefined;
}

export type PartOutcome =
  | { readonly outcome: 'stored' | 'bad checksum' | 'no room' | 'busy' }
  /** `offset`: where the next part has to begin. */
  | { readonly outcome: 'partial' | 'wrong offset'; readonly offset: number };

export interface PartialUploads {
  /** What is there of an object; undefined: nothing. @throws DeviceError */
  look(id: string): Promise<{ readonly bytes: number; readonly isComplete: boolean } | undefined>;
  /**
   * Adds a part. At offset 0 it begins anew; of an object that is stored already nothing is looked at.
   * @throws Rejection when another connection took its place or more came than was announced, DeviceError, and whatever `content` throws: what came
   * before that is kept.
   */
  put(id: string, part: Part): Promise<PartOutcome>;
}

/** Made durable at once; with one of these a connection may be cut that is not seen to be. */
const PIECE_BYTES = 1024 * 1024;
/** A living client sends something within this time. */
const STALLED_MS = 5_000;
/** A connection that was just cut has still something to put away. */
const GRACE_MS = 500;
const MOST = 64;

interface Work {
  lastMs: number;
  readonly superseded: PromiseWithResolvers<never>;
  readonly ended: Promise<unknown>;
}

/**
 * Content in pieces that are worth a write, each in the same memory: it must be written when the next one is asked for.
 * What came before an error is passed on before it.
 */
async function* inPieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const whole = Buffer.allocUnsafe(PIECE_BYTES);
  let bytes = 0;
  try {
    for await (const given of content) {
      for (let left = given; left.length > 0; ) {
        const taken = left.subarray(0, PIECE_BYTES - bytes);
        whole.set(taken, bytes);
        bytes += taken.length;
        left = left.subarray(taken.length);
        if (bytes < PIECE_BYTES) continue;
        yield whole;
        bytes = 0;
      }
    }
  } catch (error) {
    if (bytes > 0) yield whole.subarray(0, bytes);
    throw error;
  }
  if (bytes > 0) yield whole.subarray(0, bytes);
}

export const openPartialUploads = async (options: PartialUploadsOptions): Promise<PartialUploads> => {
  const { store, files, clock, paths } = options;
  const directory = uploadsIn(paths);
  const pathOf = (id: string): string => `${directory}/${id}`;
  const keep = keepingFor(options);
  const working = new Map<string, Work>();
  /** Sums of beginnings, while this daemon has seen them grow from the first byte. */
  const sums = new Map<string, { readonly bytes: number; readonly hash: Hash }>();

  const sizeOf = async (id: string): Promise<number> => (await files.stat(pathOf(id)))?.sizeBytes ?? 0;
  const remove = async (id: string): Promise<void> => {
    sums.delete(id);
    await files.remove(pathOf(id));
  };

  /** The one that was left alone for longest goes, when there are too many. */
  const makePlace = async (id: string): Promise<boolean> => {
    const others = ((await files.list(directory)) ?? []).filter((other) => other !== id);
    if (others.length < MOST) return true;
    const idle = await Promise.all(
      others
        .filter((other) => !working.has(other))
        .map(async (other) => ({ other, atMs: (await files.stat(pathOf(other)))?.modifiedMs ?? 0 })),
    );
    const [oldest] = idle.sort((a, b) => a.atMs - b.atMs);
    if (oldest === undefined) return false;
    await remove(oldest.other);
    return true;
  };

  /** Where a part may begin. */
  const prepared = async (id: string, { offset, totalBytes }: Part): Promise<number> => {
    if (offset === 0) await remove(id);
    const bytes = await sizeOf(id);
    if (totalBytes === undefined || bytes <= totalBytes) return bytes;
    await remove(id);
    return 0;
  };

  const write = async (id: string, part: Part, work: Work): Promise<number> => {
    const known = sums.get(id);
    let bytes = part.offset;
    const hash = bytes === 0 ? createHash('sha256') : known?.bytes === bytes ? known.hash : undefined;
    if (bytes === 0) await files.append(pathOf(id), '', 0o644);
    const left = part.sizeBytes ?? (part.totalBytes === undefined ? undefined : part.totalBytes - bytes);
    const pieces = inPieces(whileThereIsRoom(store, part.content, left));
    for (;;) {
      const next = await Promise.race([pieces.next(), work.superseded.promise]);
      if (next.done === true) return bytes;
      if (bytes + next.value.length > (part.totalBytes ?? Number.MAX_SAFE_INTEGER))
        throw new Rejection(`object ${id}: expected ${part.totalBytes} bytes, but more came`);
      await files.append(pathOf(id), next.value, 0o644);
      bytes += next.value.length;
      work.lastMs = clock.nowMs();
      if (hash !== undefined) sums.set(id, { bytes, hash: hash.update(next.value) });
    }
  };

  const finish = async (id: string, bytes: number): Promise<PartOutcome> => {
    const known = sums.get(id);
    const sum = known?.bytes === bytes ? known.hash.digest('hex') : await sha256OfStream(files.stream(pathOf(id)));
    if (sum !== id) {
      await remove(id);
      return { outcome: 'bad checksum' };
    }
    sums.delete(id);
    await store.takeObject(id, pathOf(id));
    return { outcome: 'stored' };
  };

  const add = async (id: string, part: Part, work: Work): Promise<PartOutcome> => {
    if ((await store.verifyObject(id)) === 'sound') {
      await remove(id);
      return { outcome: 'stored' };
    }
    await files.makeDirectory(directory, 0o700);
    const bytes = await prepared(id, part);
    if (bytes !== part.offset) return { outcome: 'wrong offset', offset: bytes };
    if (!(await makePlace(id))) return { outcome: 'busy' };
    try {
      const total = await write(id, part, work);
      const isWhole = part.totalBytes === undefined || total === part.totalBytes;
      return isWhole ? await finish(id, total) : { outcome: 'partial', offset: total };
    } catch (error) {
      if (!isFull(error)) throw error;
      await remove(id);
      return { outcome: 'no room' };
    }
  };

  const begin = (id: string, part: Part): Promise<PartOutcome> => {
    const [superseded, ended] = [Promise.withResolvers<never>(), Promise.withResolvers<void>()];
    superseded.promise.catch(() => undefined); // nobody may be waiting for it
    const work: Work = { lastMs: clock.nowMs(), superseded, ended: ended.promise };
    working.set(id, work);
    const hold = store.holdObjects();
    hold.add([id]);
    return add(id, part, work).finally(() => {
      keep(id);
      hold.release();
      working.delete(id);
      ended.resolve();
    });
  };

  /** Resolves when another connection has ended its work, or goes on with it. */
  const makeWay = async (id: string, earlier: Work): Promise<void> => {
    if (clock.nowMs() - earlier.lastMs >= STALLED_MS) {
      earlier.superseded.reject(new Rejection(`object ${id}: another connection goes on with it`));
      await earlier.ended;
      return;
    }
    const grace = Promise.withResolvers<void>();
    const cancel = clock.schedule(clock.nowMs() + GRACE_MS, grace.resolve);
    await Promise.race([earlier.ended, grace.promise]);
    cancel();
  };

  for (const id of (await files.list(directory)) ?? []) keep(id);

  return {
    look: async (id) => {
      if (!isObjectId(id)) return undefined;
      if (!working.has(id) && (await store.verifyObject(id)) === 'sound') {
        const stored = await files.stat(`${paths.storage}/objects/${id}`);
        return { bytes: stored?.sizeBytes ?? 0, isComplete: true };
      }
      const stat = await files.stat(pathOf(id));
      return stat === undefined ? undefined : { bytes: stat.sizeBytes, isComplete: false };
    },
    put: async (id, part) => {
      if (!isObjectId(id)) return { outcome: 'bad checksum' };
      const earlier = working.get(id);
      if (earlier !== undefined) await makeWay(id, earlier);
      return working.has(id) ? { outcome: 'busy' } : begin(id, part);
    },
  };
};

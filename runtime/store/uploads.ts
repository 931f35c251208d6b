/**
 * Objects that clients bring and fetch one by one.
 *
 * What was brought is kept from the garbage collector for a while: the revision that names it is still to come.
 */
import { type Clock, DeviceError, type Files } from '../host/host.ts';
import { atOnce } from './at-once.ts';
import { Rejection } from './rejection.ts';
import { isObjectId } from './revision.ts';
import { NoRoom } from './room.ts';
import type { Store } from './store.ts';

export interface UploadsOptions {
  readonly store: Pick<Store, 'holdObjects' | 'makeRoom' | 'putObject' | 'verifyObject'>;
  readonly files: Files;
  readonly clock: Clock;
  /** `<storage>/objects`. */
  readonly directory: string;
  /** How long an object is kept that no revision names. Asked at every upload. */
  readonly keptSeconds: () => number;
}

export interface Uploads {
  /** By name. @throws DeviceError */
  list(): Promise<readonly { readonly id: string; readonly sizeBytes: number }[]>;
  /** undefined: there is none. @throws DeviceError */
  read(id: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Stores an object, unless a sound one is there already; then `content` is not looked at.
   * @throws DeviceError, and whatever `content` throws; nothing is left behind then.
   */
  put(
    id: string,
    content: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
  ): Promise<'stored' | 'bad checksum' | 'no room'>;
}

const STAT_AT_ONCE = 32;
/** Others write as well: room is looked for again for every such part; for content of unknown size, for every piece. */
const PART_BYTES = 4 * 1024 * 1024;
const NO_ROOM: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

export const openUploads = ({ store, files, clock, directory, keptSeconds }: UploadsOptions): Uploads => {
  const kept = new Map<string, () => void>();
  const keep = (id: string): void => {
    const earlier = kept.get(id);
    const hold = store.holdObjects();
    hold.add([id]);
    const forget = (): void => {
      cancel();
      hold.release();
      if (kept.get(id) === forget) kept.delete(id);
    };
    const cancel = clock.schedule(clock.nowMs() + keptSeconds() * 1000, forget);
    kept.set(id, forget);
    earlier?.();
  };

  const needRoom = async (bytes: number): Promise<void> => {
    const { availableBytes } = await store.makeRoom(bytes);
    if (availableBytes < bytes) throw new NoRoom(bytes, availableBytes);
  };

  async function* whileThereIsRoom(
    content: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
  ): AsyncGenerator<Uint8Array> {
    if (sizeBytes !== undefined) await needRoom(sizeBytes);
    let leftBytes = sizeBytes;
    let roomBytes = 0;
    for await (const piece of content) {
      if (piece.length > roomBytes) {
        roomBytes = Math.max(piece.length, Math.min(PART_BYTES, leftBytes ?? 0));
        await needRoom(roomBytes);
      }
      roomBytes -= piece.length;
      if (leftBytes !== undefined) leftBytes -= piece.length;
      yield piece;
    }
  }

  return {
    list: async () => {
      const found: { id: string; sizeBytes: number }[] = [];
      for await (const part of files.listing(directory)) {
        await atOnce(STAT_AT_ONCE, part.filter(isObjectId), async (id) => {
          const stat = await files.stat(`${directory}/${id}`);
          if (stat?.type === 'file') found.push({ id, sizeBytes: stat.sizeBytes });
        });
      }
      return found.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    read: async (id) => {
      const path = `${directory}/${id}`;
      return isObjectId(id) && (await files.stat(path))?.type === 'file' ? files.stream(path) : undefined;
    },
    put: async (id, content, sizeBytes) => {
      if (!isObjectId(id)) return 'bad checksum';
      const upload = store.holdObjects();
      upload.add([id]);
      try {
        if ((await store.verifyObject(id)) !== 'sound')
          await store.putObject(id, whileThereIsRoom(content, sizeBytes), Number.MAX_SAFE_INTEGER);
        keep(id);
        return 'stored';
      } catch (error) {
        if (error instanceof NoRoom) return 'no room';
        if (error instanceof DeviceError && NO_ROOM.includes(error.code)) return 'no room';
        if (error instanceof Rejection) return 'bad checksum';
        throw error;
      } finally {
        upload.release();
      }
    },
  };
};

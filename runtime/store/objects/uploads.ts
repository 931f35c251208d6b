/**
 * Objects that clients bring and fetch one by one.
 *
 * What was brought is kept from the garbage collector for a while: the revision that names it is still to come.
 */
import type { Clock, Files } from '../../host/host.ts';
import { atOnce } from '../at-once.ts';
import { Rejection } from '../rejection.ts';
import { isFull, whileThereIsRoom } from '../space/limited-content.ts';
import type { Store } from '../store.ts';
import { isObjectId } from '../trails/revision.ts';
import { keepingFor } from './retention.ts';

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
export const openUploads = (options: UploadsOptions): Uploads => {
  const { store, files, directory } = options;
  const keep = keepingFor(options);

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
          await store.putObject(id, whileThereIsRoom(store, content, sizeBytes), Number.MAX_SAFE_INTEGER);
        keep(id);
        return 'stored';
      } catch (error) {
        if (isFull(error)) return 'no room';
        if (error instanceof Rejection) return 'bad checksum';
        throw error;
      } finally {
        upload.release();
      }
    },
  };
};

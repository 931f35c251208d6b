/** What a drop will need of the storage, before any of it is written. */
import type { Files } from '../../host/host.ts';
import { type ObjectSink, readTarball } from '../../store/archive/tarball.ts';
import { NoRoom } from '../../store/space/room.ts';
import type { Store } from '../../store/store.ts';

/** An archive whose content may be so much larger than itself is looked through before it is unpacked. */
const COMPRESSION = 4;

/** @throws NoRoom when it does not fit, even after garbage was collected. */
export const makeRoomFor = async (store: Store, requiredBytes: number): Promise<void> => {
  if (requiredBytes === 0) return;
  const { availableBytes } = await store.makeRoom(requiredBytes);
  if (requiredBytes > availableBytes) throw new NoRoom(requiredBytes, availableBytes);
};

/** A bomb need not be counted to its end. */
const HOPELESS = 4;

/** Bytes of the objects in the archive that are not stored yet. @throws NoRoom when they are out of all proportion. */
const missingBytes = async (archive: AsyncIterable<Uint8Array>, store: Store): Promise<number> => {
  const { totalBytes, availableBytes } = await store.space();
  let bytes = 0;
  const count = (more: number): void => {
    bytes += more;
    if (bytes > HOPELESS * totalBytes) throw new NoRoom(bytes, availableBytes);
  };
  const sink: ObjectSink = {
    missingObjects: store.missingObjects,
    space: async () => ({ freeBytes: Number.POSITIVE_INFINITY }),
    putObject: async (id, content) => {
      const isMissing = (await store.missingObjects([id])).length > 0;
      for await (const chunk of content) if (isMissing) count(chunk.length);
    },
  };
  await readTarball(archive, sink);
  return bytes;
};

/**
 * Makes room for a tarball. One that fits in any case is not read twice for it.
 * @throws NoRoom, Rejection, DeviceError.
 */
export const makeRoomForTarball = async (
  { files, store }: { readonly files: Files; readonly store: Store },
  path: string,
): Promise<void> => {
  const { sizeBytes = 0 } = (await files.stat(path)) ?? {};
  const { availableBytes } = await store.space();
  if (sizeBytes * COMPRESSION <= availableBytes) return;
  await makeRoomFor(store, await missingBytes(files.stream(path), store));
};

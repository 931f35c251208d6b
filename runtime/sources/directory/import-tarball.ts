/** An export tarball into a store that no daemon works on: the revision is there afterwards, and not run. */
import { parseState } from '../../../resources/state-format/state.ts';
import { objectsOf } from '../../../resources/state-format/trail.ts';
import type { Files } from '../../host/host.ts';
import { meter, type OnBytes } from '../../store/archive/byte-counter.ts';
import { readTarball } from '../../store/archive/tarball.ts';
import { sha256 } from '../../store/objects/hash.ts';
import { Rejection } from '../../store/rejection.ts';
import type { Store } from '../../store/store.ts';
import { makeRoomForTarball } from './required-room.ts';

export interface ImportRequest {
  /** Absolute. */
  readonly archive: string;
  readonly revision: string;
  /** Told how much of the archive was read. */
  readonly onBytes?: OnBytes;
}

export interface Imported {
  readonly hash: string;
  readonly objects: number;
  /** Objects that the store had not got before. */
  readonly added: number;
}

/**
 * Objects that are stored already are not written again, so that an import that was cut off is taken up where it ended.
 * @throws Rejection naming the entry and what was expected, NoRoom before anything is written.
 */
export const importTarball = async (files: Files, store: Store, request: ImportRequest): Promise<Imported> => {
  const { archive, revision, onBytes = () => undefined } = request;
  const stat = await files.stat(archive);
  if (stat?.type !== 'file') throw new Rejection(`${archive}: expected a tarball`);
  await makeRoomForTarball({ files, store }, archive);
  const hold = store.holdObjects();
  try {
    let added = 0;
    const progress = meter(onBytes);
    progress.expect(stat.sizeBytes);
    const sink = {
      missingObjects: store.missingObjects,
      space: async () => ({ freeBytes: (await store.space()).availableBytes }),
      putObject: async (id: string, object: AsyncIterable<Uint8Array>, maxBytes: number) => {
        hold.add([id]);
        if ((await store.missingObjects([id])).length > 0) added += 1;
        await store.putObject(id, object, maxBytes);
      },
    };
    const document = await readTarball(progress.through(files.stream(archive)), sink);
    const parsed = parseState(document, sha256);
    if (!parsed.ok) throw new Rejection(parsed.problems.map(({ message }) => `json: ${message}`).join('\n'));
    const ids = new Set(objectsOf(parsed.document).map(({ id }) => id));
    const missing = await store.missingObjects(ids);
    if (missing.length > 0)
      throw new Rejection(
        `${archive}: expected the objects ${missing.join(', ')}, but neither it nor the store has them`,
      );
    await store.propose(revision, document);
    return { hash: parsed.document.hash, objects: ids.size, added };
  } finally {
    hold.release();
  }
};

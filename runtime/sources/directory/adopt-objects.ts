/** Objects that lie beside the drops, in `<watch>/objects/<sha256>`. */
import type { FileStat, Files } from '../../host/host.ts';
import { TARBALL_LIMITS } from '../../store/archive/tarball.ts';
import { Rejection } from '../../store/rejection.ts';
import type { Store } from '../../store/store.ts';
import type { State } from './examine-drop.ts';
import { makeRoomFor } from './required-room.ts';

export interface Missing {
  readonly resource: string;
  readonly reason: string;
}

/** Brings what a state needs into the store; answers with what is still missing. @throws NoRoom before anything is written. */
export type Adopt = (state: State) => Promise<readonly Missing[]>;

const signatureOf = ({ inode, sizeBytes, modifiedMs }: FileStat): string => `${inode}:${sizeBytes}:${modifiedMs}`;

/**
 * Objects are copied, not linked: whoever may write to the directory could else change what the store holds.
 * A file that is not (yet) what its name says is not read again before it changes.
 */
export const adoption = (files: Files, store: Store, directory: string): Adopt => {
  const rejected = new Map<string, { readonly signature: string; readonly reason: string }>();

  /** undefined: adopted. */
  const adopt = async (id: string): Promise<string | undefined> => {
    const path = `${directory}/${id}`;
    const stat = await files.stat(path);
    if (stat === undefined) return `neither in the store nor at ${path}`;
    if (stat.type !== 'file') return `expected a regular file at ${path}, but it is a ${stat.type}`;
    const signature = signatureOf(stat);
    const earlier = rejected.get(id);
    if (earlier?.signature === signature) return earlier.reason;
    try {
      await store.putObject(id, files.stream(path), TARBALL_LIMITS.objectBytes);
      rejected.delete(id);
      return undefined;
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const reason = `${path} cannot be used: ${error.message}`;
      rejected.set(id, { signature, reason });
      return reason;
    }
  };

  const offeredBytes = async (ids: readonly string[]): Promise<number> => {
    let bytes = 0;
    for (const id of ids) {
      const stat = await files.stat(`${directory}/${id}`);
      if (stat?.type === 'file' && rejected.get(id)?.signature !== signatureOf(stat)) bytes += stat.sizeBytes;
    }
    return bytes;
  };

  return async ({ objects }) => {
    const users = new Map(objects.map(({ id, path }) => [id, path]));
    const missing: Missing[] = [];
    const ids = await store.missingObjects(users.keys());
    await makeRoomFor(store, await offeredBytes(ids));
    for (const id of ids) {
      const reason = await adopt(id);
      if (reason !== undefined) missing.push({ resource: `object/${id}`, reason: `for ${users.get(id)}: ${reason}` });
    }
    return missing;
  };
};

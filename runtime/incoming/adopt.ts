/** Objects that lie beside the drops, in `<watch>/objects/<sha256>`. */
import type { Files } from '../host/host.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import { TARBALL_LIMITS } from '../store/tarball.ts';
import type { State } from './examine.ts';

export interface Missing {
  readonly resource: string;
  readonly reason: string;
}

/** Brings what a state needs into the store; answers with what is still missing. */
export type Adopt = (state: State) => Promise<readonly Missing[]>;

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
    const signature = `${stat.inode}:${stat.sizeBytes}:${stat.modifiedMs}`;
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

  return async ({ objects }) => {
    const users = new Map(objects.map(({ id, path }) => [id, path]));
    const missing: Missing[] = [];
    for (const id of await store.missingObjects(users.keys())) {
      const reason = await adopt(id);
      if (reason !== undefined) missing.push({ resource: `object/${id}`, reason: `for ${users.get(id)}: ${reason}` });
    }
    return missing;
  };
};

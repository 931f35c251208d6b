/** State documents as they lie in the trails: read, told apart, and hashed once for as long as they stay the same. */
import type { Files } from '../../host/host.ts';

export interface Documents {
  /** As it came; undefined: no such revision. */
  read(revision: string): Promise<Buffer | undefined>;
  /** Another one whenever the document is another; undefined: no such revision. */
  version(revision: string): Promise<string | undefined>;
  /** sha256 of the canonical document; undefined: no such revision. */
  hash(revision: string): Promise<string | undefined>;
}

export interface DocumentsOptions {
  readonly files: Pick<Files, 'read' | 'stat'>;
  readonly maxBytes: number;
  readonly trailOf: (revision: string) => string;
  readonly hashOf: (document: Uint8Array) => Promise<string>;
}

export const openDocuments = ({ files, maxBytes, trailOf, hashOf }: DocumentsOptions): Documents => {
  const known = new Map<string, { readonly version: string; readonly hash: string }>();
  const pathOf = (revision: string): string => `${trailOf(revision)}/.pvr/json`;

  const read = async (revision: string): Promise<Buffer | undefined> => files.read(pathOf(revision), maxBytes);

  const version = async (revision: string): Promise<string | undefined> => {
    const stat = await files.stat(pathOf(revision));
    // Every write makes a new inode; nobody can set the time at which one was changed.
    return stat && `${stat.inode}:${stat.sizeBytes}:${stat.modifiedMs}:${stat.changedMs}`;
  };

  return {
    read,
    version,
    hash: async (revision) => {
      // Before it is read: what is written meanwhile has another version the next time.
      const latest = await version(revision);
      const earlier = known.get(revision);
      if (latest !== undefined && earlier?.version === latest) return earlier.hash;
      const bytes = latest === undefined ? undefined : await read(revision);
      if (latest === undefined || bytes === undefined) {
        known.delete(revision);
        return undefined;
      }
      const hash = await hashOf(bytes);
      known.set(revision, { version: latest, hash });
      return hash;
    },
  };
};

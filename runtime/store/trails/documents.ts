/** State documents as they lie in the trails: read, told apart, and hashed once for as long as they stay the same. */
import { isDamage, patiently } from '../../host/damage.ts';
import type { Files } from '../../host/host.ts';
import type { DocumentChecksum } from './document-checksum.ts';

/** To parse more than this at once would hold up the event loop. */
const PARSED_BYTES = 256 * 1024;

export interface Documents {
  /** As it came; undefined: no such revision. */
  read(revision: string): Promise<Buffer | undefined>;
  /** Another one whenever the document is another; undefined: no such revision. */
  version(revision: string): Promise<string | undefined>;
  /** sha256 of the canonical document; undefined: no such revision. */
  hash(revision: string): Promise<string | undefined>;
  /** What is wrong with the document of a revision that was committed; undefined: nothing that can be told from here. */
  damageOf(revision: string, document: Uint8Array): Promise<string | undefined>;
  /** Why it cannot be told what a revision needs; undefined: it can. */
  doubtOf(revision: string): Promise<string | undefined>;
}

export interface DocumentsOptions {
  readonly files: Pick<Files, 'read' | 'stat'>;
  readonly maxBytes: number;
  readonly trailOf: (revision: string) => string;
  readonly checksum: DocumentChecksum;
  readonly hashOf: (document: Uint8Array) => Promise<string>;
}

export const openDocuments = ({ files, maxBytes, trailOf, checksum, hashOf }: DocumentsOptions): Documents => {
  const known = new Map<string, { readonly version: string; readonly hash: string }>();
  const pathOf = (revision: string): string => `${trailOf(revision)}/.pvr/json`;

  const read = async (revision: string): Promise<Buffer | undefined> => files.read(pathOf(revision), maxBytes);

  const version = async (revision: string): Promise<string | undefined> => {
    const stat = await files.stat(pathOf(revision));
    // Every write makes a new inode; nobody can set the time at which one was changed.
    return stat && `${stat.inode}:${stat.sizeBytes}:${stat.modifiedMs}:${stat.changedMs}`;
  };

  const doubtOf = async (revision: string): Promise<string | undefined> => {
    try {
      const bytes = await patiently(() => read(revision));
      if (bytes === undefined) return `revision ${revision} has no document`;
      const damage = await checksum.damageOf(trailOf(revision), bytes);
      if (damage !== undefined) return `revision ${revision}: ${damage}`;
      return isWholeJson(bytes) ? undefined : `the document of revision ${revision} is not JSON`;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return `the document of revision ${revision} cannot be read: ${error.message}`;
    }
  };

  return {
    read,
    version,
    doubtOf,
    damageOf: (revision, document) => checksum.damageOf(trailOf(revision), document),
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

/** A large one is only looked at where it begins and ends; what else is wrong with it its checksum tells. */
const isWholeJson = (bytes: Buffer): boolean => {
  const text = bytes.toString('utf8', 0, Math.min(bytes.length, PARSED_BYTES));
  if (bytes.length > PARSED_BYTES)
    return /^\s*\{/.test(text) && /\}\s*$/.test(bytes.toString('latin1', bytes.length - 64));
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
};

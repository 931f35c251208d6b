/**
 * Garbage collection: revisions that are not on the keep list, with their logs and volumes, and objects
 * that no revision names.
 *
 * In: who must stay, and what the device runs on. Out: how many bytes were freed. Whatever is used, held or young stays;
 * when that cannot be told, nothing is removed. It goes in small steps, so that the event loop has its turns, and can be
 * ended or cut off between any two: a trail loses its name before its files, an object goes after everything that named
 * it, and the next run takes up what is left. `disks/perm` is never touched.
 */
import type { Paths } from '../../../resources/paths.ts';
import { DeviceError, type Files } from '../../host/host.ts';
import { atOnce } from '../at-once.ts';
import { type Objects, QUARANTINE } from '../objects/objects.ts';
import { addReferences } from '../objects/references.ts';
import { uploadsIn } from '../trails/layout.ts';
import { isObjectId, isRevision } from '../trails/revision.ts';
import type { Uses } from './objects-in-use.ts';

export interface GarbageOptions {
  readonly files: Files;
  readonly paths: Paths;
  readonly objects: Objects;
  /** @throws DeviceError when it cannot be told. */
  readonly uses: () => Promise<Uses>;
  /** Asked again at the moment of removing: a revision may be proposed meanwhile. */
  readonly isKept: (revision: string) => Promise<boolean>;
  /** Takes a revision off, as one step for everybody else; its failure, if any, is remembered. */
  readonly retire: (revision: string) => Promise<boolean>;
  readonly revisions: () => Promise<readonly string[]>;
  readonly document: (revision: string) => Promise<Buffer | undefined>;
  readonly wallMs: () => number;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface GarbageRequest {
  readonly signal?: AbortSignal;
  /** Objects that no revision names stay for so long after they were written; default 0. */
  readonly youngSeconds?: number;
}

/** Where trails wait for their removal. Pantavisor skips names that begin with a dot. */
export const GONE = '.gone-';

const AT_ONCE = 16;
/** Left by Pantavisor's downloads, and by uploads of older daemons. */
const isLeftOver = (name: string): boolean =>
  name.startsWith(QUARANTINE) || name.startsWith('.upload-') || name.endsWith('.tmp');

/** @returns bytes. @throws DeviceError, and the signal's reason. */
export const collectGarbage = async (options: GarbageOptions, request: GarbageRequest): Promise<number> => {
  const { paths, revisions, isKept, retire } = options;
  const uses = await options.uses();
  const removal = removalOf(options, uses, request.signal);
  for (const revision of await revisions()) {
    if (await isKept(revision)) continue;
    for (const directory of belongingsOf(paths, revision)) await removal.remove(directory);
    if (!uses(`${paths.storage}/trails/${revision}`)) await retire(revision);
  }
  await removeGone(options, removal);
  await removeOrphans(options, removal);
  await removeUploads(options, removal);
  await removeObjects(options, uses, request, removal);
  return removal.bytes();
};

const belongingsOf = (paths: Paths, revision: string): readonly string[] => [
  `${paths.logs}/${revision}`,
  `${paths.storage}/disks/rev/${revision}`,
];

interface Removal {
  /** A tree, unless something uses it. */
  remove(path: string): Promise<void>;
  count(sizeBytes: number): void;
  check(): void;
  bytes(): number;
}

const removalOf = ({ files, onProblem }: GarbageOptions, uses: Uses, signal: AbortSignal | undefined): Removal => {
  let bytes = 0;
  return {
    check: () => signal?.throwIfAborted(),
    count: (sizeBytes) => {
      bytes += sizeBytes;
    },
    bytes: () => bytes,
    remove: async (path) => {
      signal?.throwIfAborted();
      if (uses(path) || (await files.stat(path)) === undefined) return;
      const size = await sizeOf(files, path);
      try {
        await files.remove(path);
        bytes += size;
      } catch (error) {
        // Mounted since we looked.
        if (!(error instanceof DeviceError) || error.code !== 'EBUSY') throw error;
        onProblem(path, `not removed: ${error.message}`);
      }
    },
  };
};

/** What removing a tree frees: a file with another name stays. */
const sizeOf = async (files: Files, path: string): Promise<number> => {
  const stat = await files.stat(path);
  if (stat?.type === 'file') return stat.links === 1 ? stat.sizeBytes : 0;
  if (stat?.type !== 'directory') return 0;
  let total = 0;
  for await (const part of files.listing(path)) {
    await atOnce(AT_ONCE, part, async (name) => {
      total += await sizeOf(files, `${path}/${name}`);
    });
  }
  return total;
};

const removeGone = async ({ files, paths }: GarbageOptions, removal: Removal): Promise<void> => {
  const trails = `${paths.storage}/trails`;
  for (const name of (await files.list(trails)) ?? [])
    if (name.startsWith(GONE)) await removal.remove(`${trails}/${name}`);
};

/** Logs and volumes of revisions whose trail is gone: something still used them, or Pantavisor was cut off. */
const removeOrphans = async ({ files, paths, revisions }: GarbageOptions, { remove }: Removal): Promise<void> => {
  const known = new Set(await revisions());
  for (const directory of [paths.logs, `${paths.storage}/disks/rev`]) {
    const names = (await files.list(directory)) ?? [];
    const local = ((await files.list(`${directory}/locals`)) ?? []).map((name) => `locals/${name}`);
    for (const revision of [...names, ...local])
      if (isRevision(revision) && !known.has(revision)) await remove(`${directory}/${revision}`);
  }
};

/** Beginnings of objects; see partial-uploads.ts. */
const removeUploads = async ({ files, paths, objects }: GarbageOptions, { remove }: Removal): Promise<void> => {
  const directory = uploadsIn(paths);
  for (const id of (await files.list(directory)) ?? []) if (!objects.isHeld(id)) await remove(`${directory}/${id}`);
};

/** @throws DeviceError: what cannot be read may name anything. */
const referencesOf = async ({ revisions, document }: GarbageOptions): Promise<ReadonlySet<string>> => {
  const references = new Set<string>();
  for (const revision of await revisions()) {
    const bytes = await document(revision);
    if (bytes !== undefined) await addReferences(bytes, references);
  }
  return references;
};

const removeObjects = async (
  options: GarbageOptions,
  uses: Uses,
  { youngSeconds = 0 }: GarbageRequest,
  { remove, count, check }: Removal,
): Promise<void> => {
  const { files, paths, objects, wallMs } = options;
  const directory = `${paths.storage}/objects`;
  // Whatever is proposed from here on is held until the end.
  const fresh = objects.guard();
  try {
    const references = await referencesOf(options);
    const removeObject = async (id: string): Promise<void> => {
      check();
      const stat = await files.stat(`${directory}/${id}`);
      if (stat?.type !== 'file' || stat.links > 1 || uses(`${directory}/${id}`)) return;
      if (youngSeconds > 0 && wallMs() - stat.modifiedMs < youngSeconds * 1000) return;
      if (await objects.collect(id)) count(stat.sizeBytes);
    };
    for await (const part of files.listing(directory)) {
      const unnamed = part.filter((name) => isObjectId(name) && !references.has(name));
      await atOnce(AT_ONCE, unnamed, removeObject);
      for (const name of part.filter(isLeftOver)) await remove(`${directory}/${name}`);
    }
  } finally {
    fresh.release();
  }
};

/**
 * Whether a revision's objects are what their names say, and making them so if anybody has them.
 *
 * In: a revision's content, and places that may have sound copies. Out: what is wrong and could not be put right.
 * Reading is streamed and leaves the event loop its turns. It decides nothing about the revision, and never moves an
 * object that something runs on.
 */
import type { TrailObject } from '../../../resources/state-format/trail.ts';
import type { Files } from '../../host/host.ts';
import { atOnce } from '../at-once.ts';
import type { TrailContent } from '../trails/trail.ts';
import { type Objects, QUARANTINE } from './objects.ts';
import { checkedIds } from './unchecked-objects.ts';

/** Puts into the store what it has of the wanted objects. */
export type Source = (wanted: ReadonlySet<string>) => Promise<void>;

export interface VerificationOptions {
  readonly objects: Objects;
  /** In the order of asking. */
  readonly sources: readonly Source[];
  readonly signal?: AbortSignal;
}

/** Several small files at once; hashing itself is one thing after the other anyway. */
const AT_ONCE = 4;

const unsoundOf = async (
  objects: Objects,
  ids: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<Set<string>> => {
  const unsound = new Set<string>();
  await atOnce(AT_ONCE, ids, async (id) => {
    signal?.throwIfAborted();
    if ((await objects.verify(id)) !== 'sound') unsound.add(id);
  });
  return unsound;
};

/** @returns one sentence per object that is not sound; empty: all are. @throws DeviceError, and the signal's reason. */
export const verifyContent = async (
  content: TrailContent,
  { objects, sources, signal }: VerificationOptions,
): Promise<readonly string[]> => {
  const checked = checkedIds(content);
  let unsound = await unsoundOf(objects, checked, signal);
  // Exempt ones must be there all the same.
  for (const id of await objects.missing(content.objects.map((object) => object.id))) unsound.add(id);
  for (const source of sources) {
    if (unsound.size === 0) break;
    signal?.throwIfAborted();
    await source(unsound);
    unsound = await unsoundOf(objects, unsound, signal);
  }
  const paths = new Map(content.objects.map(({ path, id }) => [id, path]));
  return [...unsound].map(
    (id) => `${paths.get(id)}: object ${id} is missing or corrupt, and no source has a sound copy`,
  );
};

/** What was quarantined may be sound after all: the error was one of the bus, or somebody put it right. */
export const quarantineSource =
  (files: Files, objects: Objects, directory: string): Source =>
  async (wanted) => {
    for (const id of wanted) {
      const path = `${directory}/${QUARANTINE}${id}`;
      if ((await files.stat(path)) !== undefined && (await objects.adopt(id, path))) await files.remove(path);
    }
  };

/** Trails have objects by other names: a file that was replaced in the store is whole there. */
export const trailSource =
  (files: Files, objects: Objects, trails: Trails): Source =>
  async (wanted) => {
    const found = new Set<string>();
    for (const revision of await trails.revisions()) {
      for (const { path, id } of await trails.naming(revision, wanted)) {
        if (found.has(id)) continue;
        const file = `${trails.pathOf(revision)}/${path}`;
        if ((await files.stat(file))?.type === 'file' && (await objects.adopt(id, file))) found.add(id);
      }
    }
  };

export interface Trails {
  revisions(): Promise<readonly string[]>;
  pathOf(revision: string): string;
  /** The paths of a revision that are to hold one of these objects. */
  naming(revision: string, ids: ReadonlySet<string>): Promise<readonly TrailObject[]>;
}

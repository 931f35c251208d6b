/**
 * One trail, `trails/<rev>/`: the files of a revision as its state document lists them.
 * Installing makes the directory equal to the document: running it again changes nothing, running it after a crash
 * completes it, running it for another document refreshes what is stale. `.pvr/` and `.pv/` are left alone.
 */
import type { StateDocument } from '../../../resources/state-format/state.ts';
import { isSkippedKey, keyFault } from '../../../resources/state-format/state-key.ts';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { filesOf, type InlineFile, objectsOf, type TrailObject } from '../../../resources/state-format/trail.ts';
import type { Files } from '../../host/host.ts';
import { atOnce } from '../at-once.ts';
import { sha256OfStream } from '../objects/hash.ts';
import { Rejection } from '../rejection.ts';

/** What of a state document lies in the trail. */
export interface TrailContent {
  readonly objects: readonly TrailObject[];
  readonly files: readonly InlineFile[];
}

export const trailContentOf = (document: StateDocument): TrailContent => ({
  objects: objectsOf(document),
  files: filesOf(document),
});

const OBJECT_DIRECTORY_MODE = 0o775;
const JSON_DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

const parentsOf = (path: string): string[] => {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
};

/** The state parser refuses such paths too; it is asked again here, where something would be written outside. */
const checkPaths = (paths: readonly string[]): void => {
  const all = new Set(paths);
  const problems = paths.flatMap((path) => {
    const fault = keyFault(path, STATE_LIMITS);
    if (fault !== undefined) return [`${JSON.stringify(path)}: expected ${fault}`];
    const file = parentsOf(path).find((parent) => all.has(parent));
    return file === undefined ? [] : [`${path}: expected ${file} to be a directory, but it is a key as well`];
  });
  if (problems.length > 0) throw new Rejection(problems.join('; '));
};

/** What Pantavisor and pvr may have put here though it is not part of the trail. */
const isForeign = (path: string): boolean => ['.pvr', '.pv', '_sigs'].includes(path) || isSkippedKey(path);

/** Removes what the document does not have, or has as something else (a file for a directory, a symlink). */
const removeStale = async (files: Files, root: string, wanted: ReadonlyMap<string, 'file' | 'directory'>) => {
  const visit = async (directory: string): Promise<void> => {
    for (const name of (await files.list(`${root}/${directory}`)) ?? []) {
      const path = directory === '' ? name : `${directory}/${name}`;
      if (isForeign(path)) continue;
      const type = (await files.stat(`${root}/${path}`))?.type;
      if (type !== wanted.get(path)) await files.remove(`${root}/${path}`);
      else if (type === 'directory') await visit(path);
    }
  };
  await visit('');
};

/** @returns whether it had to be written. */
const placeJson = async (files: Files, path: string, text: string): Promise<boolean> => {
  const size = (await files.stat(path))?.sizeBytes;
  const content = Buffer.from(text);
  if (size === content.length && (await files.read(path, size))?.equals(content)) return false;
  await files.write(path, content, FILE_MODE);
  return true;
};

/** How many files are placed at once: they share the syncs of their directory. */
const AT_ONCE = 16;

export interface TrailPlace {
  readonly trail: string;
  readonly objects: string;
}

/** `.bind` files are copied: containers may write to them, and the object must stay what its name says. */
const placeCopy = async (files: Files, path: string, object: string, id: string): Promise<void> => {
  const exists = (await files.stat(path))?.type === 'file';
  if (exists && (await sha256OfStream(files.stream(path))) === id) return;
  await files.writeStream(path, files.stream(object), { mode: FILE_MODE, maxBytes: Number.MAX_SAFE_INTEGER });
};

const makeParents = async (files: Files, trail: string, { objects, files: texts }: TrailContent): Promise<void> => {
  const made = new Set<string>();
  const make = async (path: string, mode: number): Promise<void> => {
    for (const parent of parentsOf(path).filter((directory) => !made.has(directory))) {
      await files.makeDirectory(`${trail}/${parent}`, mode);
      made.add(parent);
    }
  };
  for (const { path } of objects) await make(path, OBJECT_DIRECTORY_MODE);
  for (const { path } of texts) await make(path, JSON_DIRECTORY_MODE);
};

const linkObject = (files: Files, { trail, objects }: TrailPlace, { path, id }: TrailObject): Promise<void> =>
  files.link(`${objects}/${id}`, `${trail}/${path}`);

export const installTrail = async (files: Files, place: TrailPlace, content: TrailContent): Promise<void> => {
  const { trail, objects } = place;
  const paths = [...content.objects, ...content.files].map((entry) => entry.path);
  checkPaths(paths);
  const wanted = new Map<string, 'file' | 'directory'>(paths.map((path) => [path, 'file']));
  for (const parent of paths.flatMap(parentsOf)) wanted.set(parent, 'directory');
  await removeStale(files, trail, wanted);
  await makeParents(files, trail, content);
  await atOnce(AT_ONCE, content.objects, async (object) => {
    const { path, id } = object;
    if (isCopied(path)) await placeCopy(files, `${trail}/${path}`, `${objects}/${id}`, id);
    else await linkObject(files, place, object);
  });
  await atOnce(
    AT_ONCE,
    content.files,
    async ({ path, text }) => void (await placeJson(files, `${trail}/${path}`, text)),
  );
};

const isCopied = (path: string): boolean => path.endsWith('.bind');

/**
 * Makes the files of a trail that something may run on what they should be, and touches nothing that is right: a
 * `.bind` copy is its container's, whatever it holds by now. Objects that are not stored are passed over.
 * @returns paths that were made anew.
 */
export const healTrail = async (files: Files, place: TrailPlace, content: TrailContent): Promise<readonly string[]> => {
  const { trail, objects } = place;
  const healed: string[] = [];
  await makeParents(files, trail, content);
  await atOnce(AT_ONCE, content.objects, async (object) => {
    const { path, id } = object;
    const [mine, stored] = [await files.stat(`${trail}/${path}`), await files.stat(`${objects}/${id}`)];
    if (stored === undefined || (mine?.inode === stored.inode && mine.device === stored.device)) return;
    if (isCopied(path)) {
      if (mine !== undefined) return;
      await placeCopy(files, `${trail}/${path}`, `${objects}/${id}`, id);
    } else {
      // A copy is as good where links are impossible.
      const isSound = mine?.type === 'file' && (await sha256OfStream(files.stream(`${trail}/${path}`))) === id;
      if (isSound) return;
      await linkObject(files, place, object);
    }
    healed.push(path);
  });
  await atOnce(AT_ONCE, content.files, async ({ path, text }) => {
    if (await placeJson(files, `${trail}/${path}`, text)) healed.push(path);
  });
  return healed;
};

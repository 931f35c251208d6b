/**
 * What goes when logs have grown to the high mark, until they are at the low one: pure, over a list
 * of files.
 *
 * First archives, of revisions that do not run before those of the one that does: of the largest directory, of its log
 * with most archives, the one with the lowest number. Then, as Pantavisor would not, whole logs of revisions that do
 * not run, the largest first. What is being written is never deleted; its largest files are to be rotated.
 */
import type { LogFileStat } from '../host/log-files.ts';
import { archiveAt, type Rotated, rotatingAt } from './log-path.ts';

export interface Excess {
  readonly remove: readonly string[];
  /** Live logs, the largest first, when nothing else is left to give way. */
  readonly rotate: readonly string[];
}

/** Of what may stay; smaller ones would not make room. */
const SHARE_WORTH_ROTATING = 40;

/** `<revision>/<platform>`, where a revision may be `locals/<name>`; for `pv.log` that of the revision. */
const directoryOf = (path: string): string => {
  const names = path.split('/').slice(0, -1);
  return names.slice(0, names[0] === 'locals' ? 3 : 2).join('/');
};

const rotatedAt = (path: string): Rotated | undefined => archiveAt(path) ?? rotatingAt(path);
const isLive = (path: string): boolean => rotatedAt(path) === undefined;
const isOf = (revision: string, path: string): boolean => path.startsWith(`${revision}/`);

interface Archive extends Rotated {
  readonly sizeBytes: number;
}

interface Directory {
  bytes: number;
  /** Archives of each log, the lowest number last. */
  readonly logs: Map<string, Archive[]>;
}

const largest = <T>(items: Iterable<T>, sizeOf: (item: T) => number): T | undefined => {
  let found: T | undefined;
  for (const item of items) if (found === undefined || sizeOf(item) > sizeOf(found)) found = item;
  return found;
};

const directoriesIn = (files: readonly LogFileStat[]): Set<Directory> => {
  const directories = new Map<string, Directory>();
  for (const { path, sizeBytes } of files) {
    const name = directoryOf(path);
    const directory = directories.get(name) ?? { bytes: 0, logs: new Map() };
    directories.set(name, directory);
    directory.bytes += sizeBytes;
    const archive = rotatedAt(path);
    if (archive === undefined) continue;
    const archives = directory.logs.get(archive.of) ?? [];
    archives.push({ ...archive, sizeBytes });
    directory.logs.set(archive.of, archives);
  }
  for (const { logs } of directories.values())
    for (const archives of logs.values()) archives.sort((left, right) => right.number - left.number);
  return new Set(directories.values());
};

/** In the order in which they go. */
function* inOrder(files: readonly LogFileStat[]): Generator<Archive> {
  const directories = directoriesIn(files);
  for (;;) {
    const directory = largest(directories, ({ bytes }) => bytes);
    if (directory === undefined) return;
    const archives = largest(directory.logs.values(), ({ length }) => length);
    const oldest = archives?.pop();
    if (oldest === undefined) directories.delete(directory);
    else {
      directory.bytes -= oldest.sizeBytes;
      yield oldest;
    }
  }
}

const bySize = (left: LogFileStat, right: LogFileStat): number => right.sizeBytes - left.sizeBytes;

/** @param revision the one that runs. */
export const excessOf = (files: readonly LogFileStat[], revision: string, lowBytes: number): Excess => {
  let bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const remove: string[] = [];
  const take = (candidates: Iterable<LogFileStat>): void => {
    for (const { path, sizeBytes } of candidates) {
      if (bytes <= lowBytes) return;
      remove.push(path);
      bytes -= sizeBytes;
    }
  };
  const [running, others] = [
    files.filter(({ path }) => isOf(revision, path)),
    files.filter(({ path }) => !isOf(revision, path)),
  ];
  take(inOrder(others));
  take(inOrder(running));
  take(others.filter(({ path }) => isLive(path)).sort(bySize));
  const live = running.filter(({ path }) => isLive(path)).sort(bySize);
  const worth = live.filter(({ sizeBytes }) => sizeBytes * SHARE_WORTH_ROTATING >= lowBytes);
  return { remove, rotate: bytes <= lowBytes ? [] : worth.map(({ path }) => path) };
};

/**
 * Files while a device starts: an operation that is not answered is refused after a while, so that a start on a storage
 * that hangs ends, too, and says what it waited for. Once it has started, the loop has limits of its own.
 */

import type { Clock, Files } from './host.ts';
import { inTime } from './in-time.ts';

/**
 * A flash that collects its own garbage, or a disk that reads a sector again and again, is slow and answers. Not longer
 * than the loop's own limits: Node wakes once for a deadline that was cancelled, and an idle device is to be quiet soon.
 */
const LIMIT_SECONDS = 60;

export interface StartingFiles {
  readonly files: Files;
  /** From now on it takes what it takes. */
  started(): void;
}

export const startingFiles = (files: Files, clock: Clock): StartingFiles => {
  let isStarting = true;
  const limited =
    <A extends readonly [path: string, ...unknown[]], T>(name: string, work: (...call: A) => Promise<T>) =>
    (...call: A): Promise<T> =>
      isStarting ? inTime(clock, LIMIT_SECONDS, name, call[0], () => work(...call)) : work(...call);
  return {
    files: {
      ...files,
      stat: limited('stat', files.stat),
      read: limited('read', files.read),
      inspect: limited('inspect', files.inspect),
      list: limited('list', files.list),
      makeDirectory: limited('make directory', files.makeDirectory),
      write: limited('write', files.write),
      append: limited('append', files.append),
      rename: limited('rename', files.rename),
      link: limited('link', files.link),
      symlink: limited('symlink', files.symlink),
      remove: limited('remove', files.remove),
      space: limited('space', files.space),
    },
    started: () => {
      isStarting = false;
    },
  };
};

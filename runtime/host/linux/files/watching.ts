/**
 * Watching one directory with inotify, whether it exists yet or not.
 * While it is missing, its nearest existing ancestor is watched instead; nothing is polled.
 */
import { type FSWatcher, lstatSync, type Stats, watch } from 'node:fs';
import { dirname } from 'node:path';
import { Observable, type Subscriber } from 'rxjs';
import { isAbsence, refusal } from './file-errors.ts';

interface Watched {
  readonly path: string;
  readonly stats: Stats | undefined;
}

const statsOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

const nearestExisting = (path: string): Watched => {
  try {
    const stats = statsOf(path);
    if (stats !== undefined || path === '/') return { path, stats };
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  return nearestExisting(dirname(path));
};

/** An inode number is given again to the next directory, so the time of birth counts as well. */
const isSame = (left: Watched, right: Watched): boolean =>
  left.path === right.path &&
  left.stats?.dev === right.stats?.dev &&
  left.stats?.ino === right.stats?.ino &&
  left.stats?.birthtimeMs === right.stats?.birthtimeMs;

class DirectoryWatch {
  readonly #directory: string;
  readonly #subscriber: Subscriber<void>;
  #watcher: FSWatcher | undefined;
  #watched: Watched | undefined;

  constructor(directory: string, subscriber: Subscriber<void>) {
    this.#directory = directory;
    this.#subscriber = subscriber;
  }

  start(): void {
    try {
      this.#follow();
    } catch (error) {
      this.#subscriber.error(refusal('watch', this.#directory, error));
    }
  }

  stop(): void {
    this.#watcher?.close();
  }

  /** Moves the watch to where it belongs now. Looks again afterwards, for what happened in between. */
  #follow(): void {
    for (;;) {
      const nearest = nearestExisting(this.#directory);
      if (this.#watched !== undefined && isSame(nearest, this.#watched)) return;
      this.#watcher?.close();
      this.#watched = nearest;
      this.#attach(nearest.path);
    }
  }

  #attach(path: string): void {
    try {
      this.#watcher = watch(path, { persistent: false });
    } catch (error) {
      // Gone since we looked: the next look finds another ancestor.
      if (!isAbsence(error)) throw error;
      this.#watched = undefined;
      return;
    }
    this.#watcher.on('change', () => this.#changed());
    this.#watcher.on('error', () => this.#changed());
  }

  #changed(): void {
    const before = this.#watched;
    this.start();
    // An ancestor's other children are nobody's business.
    if (before?.path === this.#directory || this.#watched?.path === this.#directory) this.#subscriber.next();
  }
}

export const watchDirectory = (directory: string): Observable<void> =>
  new Observable((subscriber) => {
    const watching = new DirectoryWatch(directory, subscriber);
    watching.start();
    return () => watching.stop();
  });

/**
 * Watching the directory that a path names, now and whatever it names later: whether it exists yet or not, is deleted
 * and made again, replaced by a rename, mounted over, or reached by symlinks that are switched. chokidar watches each
 * directory that matters (inotify); mount events come from the kernel's mount table. Nothing is polled.
 *
 * Not noticed until the next event: the rename of an ancestor that is a plain directory.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { type FSWatcher, watch } from 'chokidar';
import { Observable, type Subscriber, type Subscription, share } from 'rxjs';
import { changesOf } from '../kernel/kernel-events.ts';
import { isAbsence, refusal } from './file-errors.ts';

/** As many symlinks as Linux follows in one path (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** One subscription to the kernel, however many directories are watched. */
const mountChanges = changesOf('/proc/self/mountinfo').pipe(share());

/** What a path leads to at one moment. */
interface Resolved {
  /** The directory itself, or its nearest existing ancestor. */
  readonly nearest: string;
  readonly isComplete: boolean;
  /** Tells one directory from the next one with its name: an inode number is given again, so the time of birth counts. */
  readonly identity: string;
  /** Directories that hold the symlinks on the way. */
  readonly linkDirectories: readonly string[];
}

const statsOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
};

const identityOf = (stats: Stats | undefined): string => `${stats?.dev}:${stats?.ino}:${stats?.birthtimeMs}`;

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const resolve = (directory: string): Resolved => {
  const linkDirectories = new Set<string>();
  const names = namesIn(directory);
  let nearest = ''; // '' is the root
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const path = name === '..' ? parentOf(nearest) : `${nearest}/${name}`;
    const stats = statsOf(path || '/');
    if (stats?.isSymbolicLink() && linkDirectories.size < MAX_SYMLINKS) {
      linkDirectories.add(nearest || '/');
      const target = readlinkSync(path);
      names.unshift(...namesIn(target));
      if (target.startsWith('/')) nearest = '';
    } else if (stats?.isDirectory()) nearest = path;
    else return found(nearest, false, linkDirectories);
  }
  return found(nearest, true, linkDirectories);
};

const found = (path: string, isComplete: boolean, linkDirectories: ReadonlySet<string>): Resolved => {
  const nearest = path || '/';
  return { nearest, isComplete, identity: identityOf(statsOf(nearest)), linkDirectories: [...linkDirectories] };
};

class DirectoryWatch {
  readonly #directory: string;
  readonly #subscriber: Subscriber<void>;
  readonly #watchers = new Map<string, FSWatcher>();
  #resolved: Resolved | undefined;
  #mounts: Subscription | undefined;
  #isDue = false;
  /** Something happened in the directory itself, not only on the way to it. */
  #isInside = false;
  #isStopped = false;

  constructor(directory: string, subscriber: Subscriber<void>) {
    this.#directory = directory;
    this.#subscriber = subscriber;
  }

  start(): void {
    this.#follow();
    this.#mounts = mountChanges.subscribe({ next: () => this.#changed(false), error: this.#fail });
  }

  stop(): void {
    this.#isStopped = true;
    this.#mounts?.unsubscribe();
    for (const path of [...this.#watchers.keys()]) this.#release(path);
  }

  readonly #fail = (error: unknown): void => this.#subscriber.error(refusal('watch', this.#directory, error));

  /** Moves the watches to where they belong now. */
  #follow(): void {
    try {
      const before = this.#resolved;
      const now = resolve(this.#directory);
      this.#resolved = now;
      const wanted = new Map([...now.linkDirectories, now.nearest].map((path) => [path, path === now.nearest]));
      const isReplaced = before?.identity !== now.identity;
      for (const path of [...this.#watchers.keys()])
        if (!wanted.has(path) || (isReplaced && path === now.nearest)) this.#release(path);
      for (const path of wanted.keys()) if (!this.#watchers.has(path)) this.#attach(path);
    } catch (error) {
      // Gone since we looked: whoever removed it makes another event.
      if (!isAbsence(error)) this.#fail(error);
    }
  }

  #attach(path: string): void {
    // The content of a directory is not chokidar's business: every event of the kernel means that somebody looks.
    const watcher = watch(path, {
      persistent: false,
      ignoreInitial: true,
      depth: 0,
      atomic: false,
      followSymlinks: false,
      backend: 'native',
      ignored: (candidate) => candidate !== path,
    });
    // From here on nothing is missed; what happened before is looked for.
    const changed = (): void => this.#changed(path === this.#resolved?.nearest);
    watcher.on('ready', changed);
    watcher.on('raw', changed);
    watcher.on('error', (error) => (isAbsence(error) ? changed() : this.#fail(error)));
    this.#watchers.set(path, watcher);
  }

  #release(path: string): void {
    const watcher = this.#watchers.get(path);
    this.#watchers.delete(path);
    // Its listeners are gone at once; what it still has to close can fail for nobody.
    watcher?.close().catch(this.#fail);
  }

  /** A burst is one change. */
  #changed(isInside: boolean): void {
    this.#isInside ||= isInside;
    if (this.#isDue || this.#isStopped) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isStopped) this.#look();
    });
  }

  #look(): void {
    const before = this.#resolved;
    const isInside = this.#isInside;
    this.#isInside = false;
    this.#follow();
    const now = this.#resolved;
    // What happens in an ancestor, or to other mounts, is not about this directory.
    const isConcerned = before?.isComplete === true || now?.isComplete === true;
    if (isConcerned && (isInside || before?.identity !== now?.identity)) this.#subscriber.next();
  }
}

export const watchDirectory = (directory: string): Observable<void> =>
  new Observable((subscriber) => {
    const watching = new DirectoryWatch(directory, subscriber);
    watching.start();
    return () => watching.stop();
  });

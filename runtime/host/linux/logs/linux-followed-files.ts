/** The port of followed files on a real file system. */
import { constants, type FSWatcher, fstatSync, ftruncateSync, watch } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Observable, type Subscriber } from 'rxjs';
import type { FollowedFile, FollowedFiles, FollowedRoot } from '../../followed-files.ts';
import { DeviceError } from '../../host.ts';
import { attempt, hasCode, isAbsence, refusal } from '../files/file-errors.ts';
import { fallocate, fgetxattr, fsetxattr } from '../kernel/libc.ts';
import { type Found, findWithin } from './resolve-within.ts';
import { reopen } from './walk-beneath.ts';

/** `trusted`: seen and set by root alone. */
const POSITION = 'trusted.pantavisor.position';
const MAX_DIGITS = 20;
/** FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
const PUNCH_HOLE = 0x1 | 0x2;
const BLOCK_BYTES = 4096;
/** What a file system says that cannot do it. */
const CANNOT = ['EOPNOTSUPP', 'ENOTSUP', 'EROFS', 'EPERM', 'EACCES', 'ENOSPC', 'EDQUOT', 'ENOSYS', 'EINVAL', 'ETXTBSY'];

const unlessItCannot = async (work: () => Promise<void>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof DeviceError && CANNOT.includes(error.code)) return false;
    throw error;
  }
};

const positionOf = async (file: FileHandle): Promise<number | undefined> => {
  try {
    const text = (await fgetxattr(file.fd, POSITION, MAX_DIGITS)).toString('latin1');
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof DeviceError && ['ENODATA', 'ERANGE', ...CANNOT].includes(error.code)) return undefined;
    throw error;
  }
};

/** Of what `file` is open on, for writing: it may have no name any more. */
const punchHole = async (file: FileHandle, position: number): Promise<void> => {
  const length = position - (position % BLOCK_BYTES);
  if (length === 0) return;
  await unlessItCannot(async () => {
    await using writable = await attempt('release', 'file', () => reopen(file, constants.O_WRONLY));
    await fallocate(writable.fd, PUNCH_HOLE, 0, length);
  });
};

const followed = async (file: FileHandle, path: string): Promise<FollowedFile> => {
  const { dev, ino, birthtimeMs } = await file.stat();
  return {
    identity: `${dev}:${ino}:${birthtimeMs}`,
    stat: () =>
      attempt('stat', path, async () => {
        const { size, nlink } = await file.stat();
        return { sizeBytes: size, isNamed: nlink > 0 };
      }),
    read: (position, maxBytes) =>
      attempt('read', path, async () => {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(maxBytes), 0, maxBytes, position);
        return buffer.subarray(0, bytesRead);
      }),
    position: () => positionOf(file),
    remember: (position) => unlessItCannot(() => fsetxattr(file.fd, POSITION, Buffer.from(String(position)))),
    release: (position) => punchHole(file, position),
    empty: (ifSizeBytes) =>
      attempt('empty', path, async () => {
        await using writable = await reopen(file, constants.O_WRONLY);
        // One after the other without a turn of the event loop in between: no time to write in could be shorter.
        if (ifSizeBytes !== undefined && fstatSync(writable.fd).size !== ifSizeBytes) return false;
        ftruncateSync(writable.fd, 0);
        return true;
      }),
    close: () => attempt('close', path, () => file.close()),
  };
};

const openFollowed = async ({ path: root, isRight }: FollowedRoot, path: string): Promise<FollowedFile | undefined> => {
  const found = await findWithin(root, path, isRight);
  try {
    if (found?.file?.stats.isFile() !== true) return undefined;
    // Non-blocking does not matter to a plain file; another lease on it would make us wait.
    return await followed(await reopen(found.file.handle, constants.O_RDONLY | constants.O_NONBLOCK), path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  } finally {
    await found?.close();
  }
};

class Watch {
  readonly #root: FollowedRoot;
  readonly #path: string;
  readonly #subscriber: Subscriber<void>;
  #watcher: FSWatcher | undefined;
  #isStopped = false;

  constructor(root: FollowedRoot, path: string, subscriber: Subscriber<void>) {
    this.#root = root;
    this.#path = path;
    this.#subscriber = subscriber;
  }

  async start(): Promise<void> {
    const found = await findWithin(this.#root.path, this.#path, this.#root.isRight);
    try {
      if (found !== undefined && !this.#isStopped) this.#attach(found);
    } finally {
      await found?.close();
    }
    if (!this.#isStopped) this.#subscriber.next();
  }

  stop(): void {
    this.#isStopped = true;
    this.#watcher?.close();
  }

  /** The file itself, else where it is to appear: there whatever happens is told, since whoever waits rests afterwards. */
  #attach({ directory, file }: Found): void {
    try {
      const { fd } = file?.handle ?? directory;
      this.#watcher = watch(`/proc/self/fd/${fd}`, { persistent: false });
    } catch (error) {
      if (isAbsence(error)) return; // removed since; whoever made it will be heard of no sooner than its parent
      throw error;
    }
    this.#watcher.on('change', () => this.#subscriber.next());
    this.#watcher.on('error', (error) => this.#subscriber.error(refusal('watch', this.#path, error)));
  }
}

export const linuxFollowedFiles: FollowedFiles = {
  open: (root, path) => attempt('open', path, () => openFollowed(root, path)),
  watch: (root, path) =>
    new Observable((subscriber) => {
      const watching = new Watch(root, path, subscriber);
      watching.start().catch((error: unknown) => subscriber.error(refusal('watch', path, error)));
      return () => watching.stop();
    }),
};

/** A directory of the daemon's own. */
export const ownRoot = (path: string): FollowedRoot => ({ path, isRight: async () => true });

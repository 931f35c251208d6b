/**
 * Resolving a path below a root that somebody else owns, as chroot(2) would for a process inside: symlinks are read as
 * text and start again at the root, `..` goes back to a directory that is open already. The kernel is only ever given
 * single names, so that nothing that is moved or replaced meanwhile leads out. (openat2(2) with RESOLVE_IN_ROOT does the
 * same from Linux 5.6 on.)
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';
import { mountIdOf, refuseRemote } from './remote-mounts.ts';
import { entryOf, O_PATH, peek } from './walk-beneath.ts';

const MAX_SYMLINKS = 40;
const MAX_STEPS = 256;

export interface Found {
  /** The last directory on the way: of the file, or the nearest that exists. */
  readonly directory: FileHandle;
  /** The name in it that was found, or is missing. */
  readonly name: string;
  /** undefined: missing. */
  readonly file: { readonly handle: FileHandle; readonly stats: Stats } | undefined;
  close(): Promise<void>;
}

class Walk {
  readonly #directories: FileHandle[] = [];
  readonly #root: string;
  readonly #ahead: string[];
  #symlinks = 0;
  #steps = 0;

  constructor(root: string, handle: FileHandle, path: string) {
    this.#root = root;
    this.#directories.push(handle);
    this.#ahead = path.split('/').reverse();
  }

  get #top(): FileHandle {
    const top = this.#directories.at(-1);
    if (top === undefined) throw new Error('a walk never leaves its root');
    return top;
  }

  async #back(to: number): Promise<void> {
    while (this.#directories.length > to) await this.#directories.pop()?.close();
  }

  close = (): Promise<void> => this.#back(0);

  async run(): Promise<Omit<Found, 'close'>> {
    for (;;) {
      const name = this.#ahead.pop();
      this.#steps += 1;
      if (this.#steps > MAX_STEPS) throw new DeviceError('open', name ?? '', 'ENAMETOOLONG', 'too many names');
      if (name === undefined) return { directory: this.#top, name: '.', file: undefined };
      if (name === '' || name === '.') continue;
      if (name === '..') {
        await this.#back(Math.max(1, this.#directories.length - 1));
        continue;
      }
      const end = await this.#step(name);
      if (end !== undefined) return end;
    }
  }

  /** undefined: there is more to go. */
  async #step(name: string): Promise<Omit<Found, 'close'> | undefined> {
    const handle = await this.#peek(name);
    const missing = { directory: this.#top, name, file: undefined };
    if (handle === undefined) return missing;
    const stats = await this.#statOf(handle, name);
    if (stats.isSymbolicLink()) {
      await handle.close();
      return (await this.#follow(name)) ? undefined : missing;
    }
    if (stats.isDirectory()) {
      this.#directories.push(handle);
      return undefined;
    }
    if (this.#ahead.every((part) => part === '')) return { directory: this.#top, name, file: { handle, stats } };
    await handle.close();
    return missing;
  }

  /** Where another mount begins, it is looked at before it is asked anything. */
  async #statOf(handle: FileHandle, name: string): Promise<Stats> {
    try {
      if (mountIdOf(handle) !== mountIdOf(this.#top)) refuseRemote(handle, this.#root, name);
      return await handle.stat();
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #peek(name: string): Promise<FileHandle | undefined> {
    try {
      return await peek(this.#top, name);
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
      throw error;
    }
  }

  /** False: it is none any more. */
  async #follow(name: string): Promise<boolean> {
    this.#symlinks += 1;
    if (this.#symlinks > MAX_SYMLINKS) throw new DeviceError('open', name, 'ELOOP', 'too many symlinks');
    try {
      const target = await readlink(entryOf(this.#top, name));
      if (target.startsWith('/')) await this.#back(1);
      this.#ahead.push(...target.split('/').reverse());
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'EINVAL')) return false;
      throw error;
    }
  }
}

/** @param isRight of the root, asked once it is open. undefined: it is gone. */
export const findWithin = async (
  root: string,
  path: string,
  isRight: () => Promise<boolean>,
): Promise<Found | undefined> => {
  let handle: FileHandle;
  try {
    handle = await open(root, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES')) return undefined; // a process that ended
    throw error;
  }
  const walk = new Walk(root, handle, path);
  try {
    if (await isRight()) {
      const found = await walk.run();
      return {
        ...found,
        close: async () => {
          await found.file?.handle.close();
          await walk.close();
        },
      };
    }
  } catch (error) {
    await walk.close();
    throw error;
  }
  await walk.close();
  return undefined;
};

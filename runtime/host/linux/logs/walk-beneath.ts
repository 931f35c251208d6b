/**
 * Walking a tree that others can write to, one name at a time from one open directory to the next: no name on the way is
 * ever resolved by the kernel as a path, so that no symlink leads out, however late it was put there.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, unlink } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';

/** open(2); Node does not name it. */
export const O_PATH = 0o10000000;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const DIRECTORY_MODE = 0o755;

/** A name in an open directory. */
export const entryOf = (directory: FileHandle, name = ''): string => `/proc/self/fd/${directory.fd}/${name}`;

/** What it is, without opening it: opening a device would do something to it, opening a FIFO would wait. */
export const peek = (directory: FileHandle, name: string): Promise<FileHandle> =>
  open(entryOf(directory, name), O_PATH | constants.O_NOFOLLOW);

/** The same inode again, to be used. */
export const reopen = (peeked: FileHandle, flags: number): Promise<FileHandle> =>
  open(`/proc/self/fd/${peeked.fd}`, flags);

/** Alone under its name: a second name of some other file is none of ours. */
export const isOwn = (stats: Stats): boolean => stats.isFile() && stats.nlink === 1;

/** Missing is success. */
export const unlinkEntry = async (directory: FileHandle, name: string): Promise<void> => {
  try {
    await unlink(entryOf(directory, name));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
};

const enter = (directory: FileHandle, name: string): Promise<FileHandle> => open(entryOf(directory, name), DIRECTORY);

const make = async (directory: FileHandle, name: string): Promise<FileHandle> => {
  try {
    await mkdir(entryOf(directory, name), DIRECTORY_MODE);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const made = await enter(directory, name);
  await made.chmod(DIRECTORY_MODE); // whatever the umask
  return made;
};

const enterOrMake = async (directory: FileHandle, name: string): Promise<FileHandle> => {
  try {
    return await enter(directory, name);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return make(directory, name);
    if (!hasCode(error, 'ENOTDIR', 'ELOOP')) throw error;
    if ((await lstat(entryOf(directory, name))).isFile())
      throw new DeviceError('open', name, 'ENOTDIR', 'a log file has that name');
    await unlinkEntry(directory, name);
    return make(directory, name);
  }
};

const walk = async (
  root: string,
  names: readonly string[],
  step: (directory: FileHandle, name: string) => Promise<FileHandle>,
): Promise<FileHandle> => {
  let directory = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const name of names) {
    await using before = directory;
    directory = await step(before, name);
  }
  return directory;
};

export interface Parent {
  readonly directory: FileHandle;
  readonly name: string;
}

const split = (path: string): { readonly names: readonly string[]; readonly name: string } => {
  const names = path.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0')))
    throw new DeviceError('open', JSON.stringify(path), 'EINVAL', 'expected a plain relative path');
  return { names: names.slice(0, -1), name: names.at(-1) ?? '' };
};

/** The directory of `path`, made if need be. */
export const makeParent = async (root: string, path: string): Promise<Parent> => {
  const { names, name } = split(path);
  return { directory: await walk(root, names, enterOrMake), name };
};

/** The directory of `path`; ENOENT or ENOTDIR: there is none. */
export const findParent = async (root: string, path: string): Promise<Parent> => {
  const { names, name } = split(path);
  return { directory: await walk(root, names, enter), name };
};

export { enter as enterDirectory };

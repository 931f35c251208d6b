/**
 * Removing whole trees, safely against whoever can write in them.
 *
 * Every directory is opened without following symlinks and emptied through its descriptor (`/proc/self/fd/N/name`), so
 * that swapping a directory for a symlink meanwhile leads nowhere else. The kernel tells for each descriptor which
 * mount it is on, so that a mount, a bind of the same file system included, is never entered.
 */
import { constants, readFileSync } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeviceError } from '../../host.ts';
import { type MountEntry, mountAt, mountsBelow, parseMountinfo } from '../mounts/mountinfo.ts';
import { syncDirectory } from './directories.ts';
import { attempt, attemptUnlessAbsent, hasCode, isAbsence } from './file-errors.ts';

/** Each level holds a descriptor; what lies deeper is first moved up to the top. */
const DEEPEST = 64;

/** The top of the tree that is being removed. */
interface Top {
  readonly path: string;
  readonly handle: FileHandle;
  readonly mountId: string;
  moved: number;
}

const openDirectory = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);

const byDescriptor = (handle: FileHandle, name = ''): string => `/proc/self/fd/${handle.fd}/${name}`;

/** procfs answers from memory: no reason to bother the thread pool. */
const mountIdOf = (handle: FileHandle): string =>
  /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))?.[1] ?? '';

const busy = (path: string): DeviceError =>
  new DeviceError('remove', path, 'EBUSY', 'something is mounted in it; unmount it first');

const removeDirectory = async (parent: FileHandle, name: string, top: Top, depth: number): Promise<void> => {
  if (depth > DEEPEST) {
    top.moved += 1;
    await rename(byDescriptor(parent, name), byDescriptor(top.handle, `.pvtmp-removing-${top.moved}`));
    return;
  }
  await using handle = await openDirectory(byDescriptor(parent, name));
  if (mountIdOf(handle) !== top.mountId) throw busy(join(top.path, '…', name));
  await empty(handle, top, depth);
  await rmdir(byDescriptor(parent, name));
};

/** unlink(2) refuses directories with EISDIR, and is the only look at the entry that cannot be outrun. */
const removeEntry = async (parent: FileHandle, name: string, top: Top, depth: number): Promise<void> => {
  try {
    await unlink(byDescriptor(parent, name));
  } catch (error) {
    if (isAbsence(error)) return;
    if (!hasCode(error, 'EISDIR', 'EPERM')) throw error;
    await removeDirectory(parent, name, top, depth);
  }
};

const empty = async (handle: FileHandle, top: Top, depth: number): Promise<void> => {
  for (const name of await readdir(byDescriptor(handle))) await removeEntry(handle, name, top, depth + 1);
};

/** Checked before the first file goes, so that a busy tree stays whole. */
const refuseMounts = (isInTheWay: (entries: readonly MountEntry[]) => MountEntry | undefined): void => {
  const found = isInTheWay(parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')));
  if (found !== undefined) throw busy(found.target);
};

/** Removes everything in a directory and keeps the directory. @throws DeviceError EBUSY, ENOENT, ENOTDIR. */
export const emptyDirectory = (path: string): Promise<void> =>
  attempt('remove', path, async () => {
    await using handle = await openDirectory(path);
    const top: Top = { path, handle, mountId: mountIdOf(handle), moved: 0 };
    refuseMounts((entries) => mountsBelow(entries, path)[0]);
    await empty(handle, top, 0);
    // What was moved up arrived after the directory was read.
    for (let seen = 0; seen < top.moved; ) {
      seen = top.moved;
      await empty(handle, top, 0);
    }
  });

export const removeTree = (path: string): Promise<void> =>
  attempt('remove', path, async () => {
    const stats = await attemptUnlessAbsent('stat', path, () => lstat(path));
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      refuseMounts((entries) => mountAt(entries, path));
      await emptyDirectory(path);
      await rmdir(path);
    } else {
      await unlink(path);
    }
    await syncDirectory(dirname(path));
  });

/**
 * Copies a tree as `cp -aL` does: symlinks become what they point to; modes, owners and times stay.
 * Unlike cp it never reads outside the tree: a document that brings a symlink to /etc/shadow must not get it.
 */
import { constants, type Stats } from 'node:fs';
import { chmod, chown, copyFile, lstat, mkdir, readdir, realpath, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DeviceError } from '../../host.ts';
import { isWithin } from '../mounts/mountinfo.ts';
import { makeDirectory } from './directories.ts';
import { attempt, hasCode } from './file-errors.ts';
import { emptyDirectory } from './removal.ts';

interface Copying {
  readonly root: string;
  /** `<device>:<inode>` of the directories we are in: a symlink to one of them has no end. */
  readonly ancestors: readonly string[];
}

const refuse = (path: string, code: string, reason: string): DeviceError => new DeviceError('copy', path, code, reason);

const resolveInside = async (path: string, root: string): Promise<string> => {
  const resolved = await realpath(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw refuse(path, 'ENOENT', 'symlink to nothing');
    throw error;
  });
  if (!isWithin(resolved, root)) throw refuse(path, 'EPERM', `symlink to ${resolved}, which is outside of ${root}`);
  return resolved;
};

/** Owner first: chown(2) takes the set-user-ID bit away. */
const copyAttributes = async (stats: Stats, to: string): Promise<void> => {
  await chown(to, stats.uid, stats.gid);
  await chmod(to, stats.mode & 0o7777);
  await utimes(to, stats.atime, stats.mtime);
};

const copyDirectory = async (from: string, to: string, copying: Copying): Promise<void> => {
  const stats = await stat(from);
  const identity = `${stats.dev}:${stats.ino}`;
  if (copying.ancestors.includes(identity)) throw refuse(from, 'ELOOP', 'symlink to a directory it is in');
  const inside = { ...copying, ancestors: [...copying.ancestors, identity] };
  for (const name of await readdir(from)) await copyEntry(join(from, name), join(to, name), inside);
  await copyAttributes(stats, to);
};

const copyEntry = async (from: string, to: string, copying: Copying): Promise<void> => {
  const source = (await lstat(from)).isSymbolicLink() ? await resolveInside(from, copying.root) : from;
  const stats = await stat(source);
  if (stats.isDirectory()) {
    await mkdir(to, 0o700);
    await copyDirectory(source, to, copying);
    return;
  }
  if (!stats.isFile()) throw refuse(from, 'EINVAL', 'neither file, directory nor symlink');
  await copyFile(source, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await copyAttributes(stats, to);
};

/** @throws DeviceError ENOENT: no such directory; EPERM: a symlink leads outside; ELOOP: it has no end. */
export const copyTree = (from: string, to: string): Promise<void> =>
  attempt('copy', from, async () => {
    const root = await realpath(from);
    await makeDirectory(to, 0o755);
    await emptyDirectory(to);
    await copyDirectory(root, to, { root, ancestors: [] });
  });

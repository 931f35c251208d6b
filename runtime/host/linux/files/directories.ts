/** Making directories that are still there after a power cut. */
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeviceError } from '../../host.ts';
import { attempt, attemptUnlessAbsent, hasCode } from './file-errors.ts';
import { isInMemory } from './in-memory.ts';

const syncNow = async (directory: string): Promise<void> => {
  await using handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // EINVAL: a file system that cannot sync directories, because it has nothing to sync.
    if (!hasCode(error, 'EINVAL')) throw error;
  }
};

interface Syncs {
  running: Promise<void>;
  next: Promise<void> | undefined;
}
const syncs = new Map<string, Syncs>();

/**
 * Makes names that were created, renamed or removed in `directory` survive a power cut. One sync serves everybody whose
 * change was made before it began; those who come meanwhile share the next one.
 */
export const syncDirectory = async (directory: string): Promise<void> => {
  if (isInMemory(directory)) return;
  return syncOnDisk(directory);
};

const syncOnDisk = (directory: string): Promise<void> => {
  const begun = syncs.get(directory);
  if (begun !== undefined) {
    begun.next ??= begun.running.then(
      () => startSync(directory),
      () => startSync(directory),
    );
    return begun.next;
  }
  return startSync(directory);
};

const startSync = (directory: string): Promise<void> => {
  const entry: Syncs = { running: syncNow(directory), next: undefined };
  syncs.set(directory, entry);
  const finish = (): void => {
    if (entry.next === undefined) syncs.delete(directory);
  };
  entry.running.then(finish, finish);
  return entry.running;
};

/** Creates one directory with exactly `mode`, whatever the umask. False: somebody was faster. */
const createDirectory = async (path: string, mode: number): Promise<boolean> => {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  await chmod(path, mode);
  await syncDirectory(dirname(path));
  return true;
};

const makeParents = async (path: string, mode: number): Promise<void> => {
  const parent = dirname(path);
  // A parent may be a symlink: the configured roots belong to the administrator (/var/run).
  const exists = await attemptUnlessAbsent('stat', parent, () => lstat(parent));
  if (exists !== undefined || parent === path) return;
  await makeParents(parent, mode);
  await createDirectory(parent, mode);
};

/**
 * An existing directory keeps its mode.
 * @throws DeviceError ENOTDIR when something else is there, a symlink included: it would lead out of the tree.
 */
export const makeDirectory = (path: string, mode: number): Promise<void> =>
  attempt('mkdir', path, async () => {
    const existing = await attemptUnlessAbsent('stat', path, () => lstat(path));
    if (existing?.isDirectory()) return;
    if (existing === undefined) {
      await makeParents(path, mode);
      if (await createDirectory(path, mode)) return;
      if ((await lstat(path)).isDirectory()) return;
    }
    throw new DeviceError('mkdir', path, 'ENOTDIR', 'there is something that is no directory; move it away');
  });

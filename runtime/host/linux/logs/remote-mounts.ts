/**
 * Mounts behind which there is somebody else: a program (FUSE) or another machine. Whoever asks such a file system
 * anything waits for as long as they like, and the thread pool has four threads. A container may mount what it likes.
 */
import { readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';
import { parseMountinfo } from '../mounts/mountinfo.ts';

const REMOTE = /^(fuse|nfs|cifs|smb|ceph|afs|coda|gfs|ocfs|orangefs|9p|autofs)/;

/** Of an open file or directory, without asking its file system. procfs answers from memory. */
export const mountIdOf = (handle: FileHandle): number =>
  Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))?.[1] ?? -1);

/** Of the mount namespace that a root belongs to: `/proc/<pid>/root`, or our own. */
const tableOf = (root: string): string => {
  const [, pid = 'self'] = /^\/proc\/(\d+)\/root$/.exec(root) ?? [];
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EINVAL')) return ''; // it has ended
    throw error;
  }
};

/** @throws DeviceError EREMOTE; also when it cannot be told. */
export const refuseRemote = (handle: FileHandle, root: string, name: string): void => {
  const id = mountIdOf(handle);
  const filesystem = parseMountinfo(tableOf(root)).find((entry) => entry.id === id)?.filesystem;
  if (filesystem !== undefined && !REMOTE.test(filesystem)) return;
  throw new DeviceError(
    'open',
    name,
    'EREMOTE',
    `it is on ${filesystem ?? 'an unknown mount'}, which may never answer`,
  );
};

/**
 * Making file systems and swap areas where there is nothing yet, and room for them.
 * Must never: format what holds anything that somebody could recognise.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, realpath, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeviceError } from '../../host.ts';
import { syncDirectory } from '../files/directories.ts';
import { attempt, attemptUnlessAbsent, hasCode } from '../files/file-errors.ts';
import { temporaryFor } from '../files/temporary.ts';
import { runSuccessfully } from '../kernel/run-command.ts';
import { probe } from './probe.ts';

const PROGRAMS = { ext3: 'mkfs.ext3', ext4: 'mkfs.ext4', swap: 'mkswap' } as const;
export type Format = keyof typeof PROGRAMS;

/** On a block device, O_EXCL without O_CREAT means: nobody mounts, swaps on or formats it while it is open. */
const openExclusively = async (path: string): Promise<FileHandle> => {
  const file = await open(path, constants.O_RDWR | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (stats.isFile() || stats.isBlockDevice()) return file;
  await file.close();
  throw new DeviceError('format', path, 'ENOTBLK', 'neither a block device nor a file');
};

/**
 * The device is let go only at the moment the tool takes it for itself: mkfs claims it exclusively too, so that
 * the two cannot be told apart by anybody who asks for it in the same way.
 */
export const format = (path: string, type: Format, options: readonly string[]): Promise<void> =>
  attempt('format', path, async () => {
    // Persistent names under /dev/disk are symlinks.
    const node = await realpath(path);
    const file = await openExclusively(node);
    try {
      const found = await probe(node, file);
      if (found !== 'blank') throw new DeviceError('format', path, 'EEXIST', `holds ${found}; it is left as it is`);
    } finally {
      await file.close();
    }
    await runSuccessfully(PROGRAMS[type], [...options, '--', node], path);
  });

/** Zeros are written, not only reserved: swap must not have holes, and not every file system tells the two apart. */
const CHUNK_BYTES = 1024 * 1024;

const fill = async (path: string, sizeBytes: number): Promise<void> => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  await using file = await open(path, flags, 0o600);
  const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes));
  for (let written = 0; written < sizeBytes; ) {
    written += (await file.write(zeros, 0, Math.min(zeros.length, sizeBytes - written))).bytesWritten;
  }
  await file.chmod(0o600);
  await file.sync();
};

const refuseWhenFull = async (path: string, sizeBytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize >= sizeBytes) return;
  throw new DeviceError('allocate', path, 'ENOSPC', `needs ${sizeBytes} bytes, but ${bavail * bsize} are free`);
};

export const allocate = (path: string, sizeBytes: number): Promise<void> =>
  attempt('allocate', path, async () => {
    if ((await attemptUnlessAbsent('stat', path, () => lstat(path))) !== undefined) return;
    await refuseWhenFull(path, sizeBytes);
    const temporary = temporaryFor(path);
    try {
      await fill(temporary, sizeBytes);
      // Unlike rename(2), link(2) leaves alone what somebody else put there meanwhile.
      await link(temporary, path);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      await rm(temporary, { force: true });
    }
    await syncDirectory(dirname(path));
  });

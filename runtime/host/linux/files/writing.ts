/**
 * Durable writing: a new file is made beside its place, synced, and renamed into it.
 * rename(2) replaces the name itself, so that a symlink left at the place is replaced and never followed.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeviceError, type Written } from '../../host.ts';
import { syncDirectory } from './directories.ts';
import { attempt, attemptUnlessAbsent, hasCode } from './file-errors.ts';
import { isInMemory } from './in-memory.ts';
import { temporaryFor } from './temporary.ts';

/** Hashing more than this at once would hold up the event loop. */
const PIECE_BYTES = 256 * 1024;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** `make` creates the temporary; when anything fails, nothing is left of it. */
const replace = async <T>(path: string, make: (temporary: string) => Promise<T>): Promise<T> => {
  const temporary = temporaryFor(path);
  try {
    const made = await make(temporary);
    await fs.rename(temporary, path);
    await syncDirectory(dirname(path));
    return made;
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
};

const createSynced = async <T>(path: string, mode: number, fill: (file: fs.FileHandle) => Promise<T>): Promise<T> => {
  await using file = await fs.open(path, NEW_FILE, 0o600);
  const filled = await fill(file);
  await file.chmod(mode);
  await file.sync();
  return filled;
};

/** As `replace`. In memory it takes microseconds, a tenth of what the way to the thread pool and back would. */
const replaceInMemory = (path: string, content: string | Uint8Array, mode: number): void => {
  const temporary = temporaryFor(path);
  try {
    const file = openSync(temporary, NEW_FILE, 0o600);
    try {
      writeFileSync(file, content);
      fchmodSync(file, mode);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
};

export const write = (path: string, content: string | Uint8Array, mode: number): Promise<void> =>
  attempt('write', path, async () => {
    if (content.length <= PIECE_BYTES && isInMemory(dirname(path))) return replaceInMemory(path, content, mode);
    return await replace(path, (temporary) => createSynced(temporary, mode, (file) => file.writeFile(content)));
  });

function* piecesOf(chunk: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < chunk.length; start += PIECE_BYTES) yield chunk.subarray(start, start + PIECE_BYTES);
}

/** write(2) may take less than it is given, e.g. when the disk is nearly full. */
const writeAll = async (file: fs.FileHandle, piece: Uint8Array): Promise<void> => {
  for (let written = 0; written < piece.length; ) {
    written += (await file.write(piece, written, piece.length - written)).bytesWritten;
  }
};

const copyHashing = async (
  content: AsyncIterable<Uint8Array>,
  file: fs.FileHandle,
  limit: { readonly path: string; readonly maxBytes: number },
): Promise<Written> => {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > limit.maxBytes) {
      throw new DeviceError('write', limit.path, 'EFBIG', `larger than ${limit.maxBytes} bytes`);
    }
    for (const piece of piecesOf(chunk)) {
      hash.update(piece);
      await writeAll(file, piece);
    }
  }
  return { sha256: hash.digest('hex'), sizeBytes };
};

export const writeStream = (
  path: string,
  content: AsyncIterable<Uint8Array>,
  { mode, maxBytes, accept }: { mode: number; maxBytes: number; accept?: (written: Written) => void },
): Promise<Written> =>
  attempt('write', path, () =>
    replace(path, (temporary) =>
      createSynced(temporary, mode, async (file) => {
        const written = await copyHashing(content, file, { path, maxBytes });
        accept?.(written);
        return written;
      }),
    ),
  );

export const rename = (from: string, to: string): Promise<void> =>
  attempt('rename', `${from} to ${to}`, async () => {
    await fs.rename(from, to);
    await syncDirectory(dirname(to));
    // The new name first: after a power cut between the two, both names are better than none.
    if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
  });

/** For file systems that cannot link: a copy with the same bytes, mode, owner and times. */
const copyDurably = async (existing: string, temporary: string): Promise<void> => {
  await fs.copyFile(existing, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const stats = await fs.stat(existing);
  await using file = await fs.open(temporary, constants.O_WRONLY | constants.O_NOFOLLOW);
  await file.chown(stats.uid, stats.gid);
  await file.chmod(stats.mode & 0o7777);
  await file.utimes(stats.atime, stats.mtime);
  await file.sync();
};

const linkOrCopy = async (existing: string, temporary: string): Promise<void> => {
  try {
    await fs.link(existing, temporary);
  } catch (error) {
    // EPERM: the file system knows no hard links (vfat).
    if (!hasCode(error, 'EXDEV', 'EMLINK', 'EPERM')) throw error;
    await copyDurably(existing, temporary);
  }
};

export const link = (existing: string, path: string): Promise<void> =>
  attempt('link', path, async () => {
    const source = await fs.lstat(existing);
    if (!source.isFile()) throw new DeviceError('link', existing, 'EINVAL', 'only regular files can be linked');
    const present = await attemptUnlessAbsent('stat', path, () => fs.lstat(path));
    // rename(2) does nothing when both names are the same inode, and would leave the temporary.
    if (present?.ino === source.ino && present.dev === source.dev) return;
    await replace(path, (temporary) => linkOrCopy(existing, temporary));
  });

export const symlink = (target: string, path: string): Promise<void> =>
  attempt('symlink', path, async () => {
    const present = await attemptUnlessAbsent('stat', path, () => fs.lstat(path));
    if (present?.isSymbolicLink() && (await fs.readlink(path)) === target) return;
    await replace(path, (temporary) => fs.symlink(target, temporary));
  });

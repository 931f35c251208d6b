/** Reading files and directories. Absence is a value. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readdir, statfs } from 'node:fs/promises';
import { DeviceError, type FileStat, type Inspected } from '../../host.ts';
import { attempt, attemptUnlessAbsent } from './file-errors.ts';
import { isTemporary } from './temporary.ts';

const CHUNK_BYTES = 256 * 1024;

const typeOf = (stats: Stats): FileStat['type'] => {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
};

const statOf = (stats: Stats): FileStat => ({
  type: typeOf(stats),
  sizeBytes: stats.size,
  mode: stats.mode & 0o7777,
  device: stats.dev,
  inode: stats.ino,
  links: stats.nlink,
  modifiedMs: stats.mtimeMs,
  changedMs: stats.ctimeMs,
  owner: stats.uid,
});

export const stat = (path: string): Promise<FileStat | undefined> =>
  attemptUnlessAbsent('stat', path, async () => statOf(await lstat(path)));

/** Opens a regular file. O_NONBLOCK: opening a FIFO would otherwise hold a thread until somebody writes to it. */
export const openRegular = async (path: string): Promise<FileHandle> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  throw new DeviceError('read', path, stats.isDirectory() ? 'EISDIR' : 'EINVAL', 'not a regular file');
};

const tooBig = (path: string, maxBytes: number): DeviceError =>
  new DeviceError('read', path, 'EFBIG', `larger than ${maxBytes} bytes`);

/** The size is no guide: files of /proc and /sys say 0, and others may grow while they are read. */
const readAtMost = async (file: FileHandle, path: string, maxBytes: number): Promise<Buffer> => {
  const { size } = await file.stat();
  if (size > maxBytes) throw tooBig(path, maxBytes);
  const chunks: Buffer[] = [];
  let totalBytes = 0;
  for (;;) {
    // One byte more than expected, so that a file of known size ends with the second read.
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(size - totalBytes + 1, 4096)));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    totalBytes += bytesRead;
    if (totalBytes > maxBytes) throw tooBig(path, maxBytes);
    chunks.push(chunk.subarray(0, bytesRead));
  }
};

export const read = (path: string, maxBytes: number): Promise<Buffer | undefined> =>
  attemptUnlessAbsent('read', path, async () => {
    await using file = await openRegular(path);
    return await readAtMost(file, path, maxBytes);
  });

export const inspect = (path: string, maxBytes: number): Promise<Inspected | undefined> =>
  attemptUnlessAbsent('read', path, async () => {
    await using file = await openRegular(path);
    const stats = await file.stat();
    return { content: await readAtMost(file, path, maxBytes), stat: statOf(stats) };
  });

export async function* stream(path: string): AsyncGenerator<Uint8Array> {
  await using file = await attempt('read', path, () => openRegular(path));
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await attempt('read', path, () => file.read(chunk, 0, CHUNK_BYTES, null));
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

/** Without files that are just being written: they have no name yet. */
export const list = (path: string): Promise<readonly string[] | undefined> =>
  attemptUnlessAbsent('list', path, async () => (await readdir(path)).filter((name) => !isTemporary(name)).sort());

const LISTING_PART = 256;

/** readdir() would make all names at once, and hold up the event loop for a hundred thousand of them. */
export async function* listing(path: string): AsyncGenerator<readonly string[]> {
  const directory = await attemptUnlessAbsent('list', path, () => opendir(path, { bufferSize: LISTING_PART }));
  if (directory === undefined) return;
  try {
    for (let part: string[] = [], isEnd = false; !isEnd; part = []) {
      while (part.length < LISTING_PART && !isEnd) {
        const entry = await attempt('list', path, () => directory.read());
        if (entry === null) isEnd = true;
        else if (!isTemporary(entry.name)) part.push(entry.name);
      }
      if (part.length > 0) yield part;
    }
  } finally {
    await directory.close();
  }
}

export const space = (path: string): Promise<{ totalBytes: number; freeBytes: number }> =>
  attempt('statfs', path, async () => {
    const { bsize, blocks, bfree } = await statfs(path);
    return { totalBytes: blocks * bsize, freeBytes: bfree * bsize };
  });

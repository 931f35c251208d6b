/** The port of log files on a real file system. */
import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, statfs } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DeviceError } from '../../host.ts';
import type { LogFileStat, LogFiles } from '../../log-files.ts';
import { attempt, attemptUnlessAbsent, hasCode, isAbsence } from '../files/file-errors.ts';
import { isInMemory } from '../files/in-memory.ts';
import { openLogFile, writeAll } from './log-file.ts';
import {
  enterDirectory,
  entryOf,
  findParent,
  isOwn,
  makeParent,
  type Parent,
  peek,
  reopen,
  unlinkEntry,
} from './walk-beneath.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const CHUNK_BYTES = 64 * 1024;
const DEEPEST = 20;
const MAX_FILES = 100_000;

/** `<name>` of an archive that is being made; nobody reads it. */
const unfinished = (name: string): string => `.${name}.pvtmp`;

async function* contentOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

const zip = async (source: FileHandle, target: FileHandle): Promise<number> => {
  await pipeline(contentOf(source), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await writeAll(target, chunk);
  });
  await target.datasync();
  return (await target.stat()).size;
};

const compressIn = async ({ directory, name }: Parent, to: string): Promise<number> => {
  await using found = await peek(directory, name);
  if (!isOwn(await found.stat())) throw new DeviceError('compress', name, 'EINVAL', 'no log file');
  await using source = await reopen(found, constants.O_RDONLY);
  const temporary = unfinished(to);
  await unlinkEntry(directory, temporary);
  await using target = await open(entryOf(directory, temporary), NEW_FILE, 0o644);
  try {
    await target.chmod(0o644);
    const sizeBytes = await zip(source, target);
    await rename(entryOf(directory, temporary), entryOf(directory, to));
    // The name before what it stands for goes.
    await directory.sync();
    await unlinkEntry(directory, name);
    return sizeBytes;
  } catch (error) {
    await unlinkEntry(directory, temporary);
    throw error;
  }
};

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What vanishes while we look is not there. */
const unlessGone = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (isAbsence(error) || hasCode(error, 'ELOOP')) return undefined;
    throw error;
  }
};

const listIn = async (directory: FileHandle, prefix: string, found: LogFileStat[], depth: number): Promise<void> => {
  const visit = async (entry: Dirent): Promise<void> => {
    const path = `${prefix}${entry.name}`;
    if (entry.isFile()) {
      const stats = await unlessGone(() => lstat(entryOf(directory, entry.name)));
      if (stats?.isFile()) found.push({ path, sizeBytes: stats.size });
    } else if (entry.isDirectory() && depth < DEEPEST) {
      await using inner = await unlessGone(() => enterDirectory(directory, entry.name));
      if (inner !== undefined) await listIn(inner, `${path}/`, found, depth + 1);
    }
  };
  for (const entry of await readdir(entryOf(directory), { withFileTypes: true }))
    if (found.length < MAX_FILES) await visit(entry);
};

/** @param root an absolute directory; `room` and `open` expect it to be there. */
export const linuxLogFiles = (root: string): LogFiles => ({
  open: (path) =>
    attempt('open', path, async () => {
      const parent = await makeParent(root, path);
      await using _ = parent.directory;
      return await openLogFile(parent, path);
    }),
  identity: (path) =>
    attemptUnlessAbsent('stat', path, async () => {
      const { directory, name } = await findParent(root, path);
      await using _ = directory;
      await using found = await peek(directory, name);
      const stats = await found.stat();
      return isOwn(stats) ? { identity: `${stats.dev}:${stats.ino}`, sizeBytes: stats.size } : undefined;
    }),
  list: async () => {
    const found: LogFileStat[] = [];
    await attemptUnlessAbsent('list', root, async () => {
      await using directory = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
      await listIn(directory, '', found, 0);
    });
    return found;
  },
  rename: (from, to) =>
    attempt('rename', from, async () => {
      const { directory, name } = await findParent(root, from);
      await using _ = directory;
      await rename(entryOf(directory, name), entryOf(directory, baseOf(to)));
    }),
  compress: (from, to) =>
    attempt('compress', from, async () => {
      const parent = await findParent(root, from);
      await using _ = parent.directory;
      return await compressIn(parent, baseOf(to));
    }),
  remove: async (path) => {
    await attemptUnlessAbsent('remove', path, async () => {
      const { directory, name } = await findParent(root, path);
      await using _ = directory;
      await unlinkEntry(directory, name);
    });
  },
  room: () =>
    attempt('statfs', root, async () => {
      const { bsize, blocks, bfree } = await statfs(root);
      return { totalBytes: blocks * bsize, freeBytes: bfree * bsize, inMemory: isInMemory(root) };
    }),
});

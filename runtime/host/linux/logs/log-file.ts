/** One log file that is open for appending. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import type { LogFile } from '../../log-files.ts';
import { attempt, hasCode } from '../files/file-errors.ts';
import { entryOf, isOwn, type Parent, peek, reopen, unlinkEntry } from './walk-beneath.ts';

const APPEND = constants.O_WRONLY | constants.O_APPEND;
const CREATE = APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const FILE_MODE = 0o644;
/** Somebody who puts things there as fast as we take them away is not worth more. */
const ATTEMPTS = 3;

const create = async ({ directory, name }: Parent): Promise<FileHandle | undefined> => {
  try {
    const file = await open(entryOf(directory, name), CREATE, FILE_MODE);
    await file.chmod(FILE_MODE); // whatever the umask
    return file;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  }
};

/** undefined: what was there is gone now, since it was no log file. */
const openExisting = async ({ directory, name }: Parent): Promise<FileHandle | undefined> => {
  try {
    await using found = await peek(directory, name);
    const stats = await found.stat();
    if (isOwn(stats)) return await reopen(found, APPEND);
    if (stats.isDirectory()) throw new DeviceError('open', name, 'EISDIR', 'a log has it as its directory');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  await unlinkEntry(directory, name);
  return undefined;
};

const openOrCreate = async (parent: Parent): Promise<FileHandle> => {
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    const file = (await openExisting(parent)) ?? (await create(parent));
    if (file !== undefined) return file;
  }
  throw new DeviceError('open', parent.name, 'EBUSY', 'something else takes its place again and again');
};

/** write(2) may take less than it is given, e.g. when the disk is nearly full. */
export const writeAll = async (file: FileHandle, content: Uint8Array): Promise<void> => {
  for (let written = 0; written < content.length; )
    written += (await file.write(content, written, content.length - written)).bytesWritten;
};

/** @throws DeviceError */
export const openLogFile = async (parent: Parent, path: string): Promise<LogFile> => {
  const file = await openOrCreate(parent);
  const { dev, ino, size } = await file.stat();
  let sizeBytes = size;
  return {
    identity: `${dev}:${ino}`,
    sizeBytes: size,
    append: (parts) =>
      attempt('append', path, async () => {
        const content = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
        try {
          await writeAll(file, content);
        } catch (error) {
          // Half a line that a full disk took would be joined by the next one.
          await file.truncate(sizeBytes).catch(() => undefined); // the first refusal is the one to tell
          throw error;
        }
        sizeBytes += content.length;
        return sizeBytes;
      }),
    isNamed: () => attempt('stat', path, async () => (await file.stat()).nlink > 0),
    truncate: (bytes) =>
      attempt('truncate', path, async () => {
        await file.truncate(bytes);
        sizeBytes = bytes;
      }),
    sync: () => attempt('sync', path, () => file.datasync()),
    close: () => attempt('close', path, () => file.close()),
  };
};

/** Adding to files that only grow. */
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './directories.ts';
import { attempt, attemptUnlessAbsent } from './file-errors.ts';

const OPEN = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** @returns undefined when there is no such file. */
const openExisting = (path: string): Promise<fs.FileHandle | undefined> =>
  attemptUnlessAbsent('append', path, () => fs.open(path, OPEN));

const create = async (path: string, mode: number): Promise<fs.FileHandle> => {
  const file = await fs.open(path, OPEN | constants.O_CREAT | constants.O_EXCL, 0o600);
  await file.chmod(mode);
  await syncDirectory(dirname(path));
  return file;
};

const addSynced = async (file: fs.FileHandle, content: string | Uint8Array): Promise<void> => {
  const { size } = await file.stat();
  try {
    await file.appendFile(content);
    await file.datasync();
  } catch (error) {
    // What a full disk took of it would stand in the way of the next addition.
    await file.truncate(size);
    throw error;
  }
};

export const append = (path: string, content: string | Uint8Array, mode: number): Promise<void> =>
  attempt('append', path, async () => {
    await using file = (await openExisting(path)) ?? (await create(path, mode));
    await addSynced(file, content);
  });

/**
 * Names of files that are not yet whole: `.<name>.pvtmp-<pid>-<random>`, beside the file they are to become.
 * A crash may leave them behind; nobody reads them, and the next start takes them away.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { attemptUnlessAbsent, hasCode } from './file-errors.ts';

const PATTERN = /^\..*\.pvtmp-(\d+)-[0-9a-f]{8}$/s;
const NAME_MAX_BYTES = 255;

export const isTemporary = (name: string): boolean => PATTERN.test(name);

export const temporaryFor = (path: string): string => {
  const suffix = `.pvtmp-${process.pid}-${randomBytes(4).toString('hex')}`;
  const roomBytes = NAME_MAX_BYTES - suffix.length - 1;
  // Cut by bytes: a name may be as long as the file system allows already.
  const name = Buffer.from(basename(path))
    .subarray(0, roomBytes)
    .toString('latin1')
    .replace(/[^ -~]/g, '_');
  return join(dirname(path), `.${name}${suffix}`);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
};

/** They do no harm where they are: a storage that is read-only is no reason not to start. */
const removeUnlessReadOnly = async (path: string): Promise<void> => {
  try {
    await rm(path, { force: true });
  } catch (error) {
    if (!hasCode(error, 'EROFS')) throw error;
  }
};

/** Removes what a dead process left in these directories (not below them). A living one may still be writing. */
export const sweepTemporaries = async (directories: readonly string[]): Promise<void> => {
  for (const directory of directories) {
    const names = (await attemptUnlessAbsent('list', directory, () => readdir(directory))) ?? [];
    const leftOvers = names.filter((name) => {
      const pid = Number(PATTERN.exec(name)?.[1]);
      return Number.isInteger(pid) && (pid === process.pid || !isAlive(pid));
    });
    for (const name of leftOvers) await removeUnlessReadOnly(join(directory, name));
  }
};

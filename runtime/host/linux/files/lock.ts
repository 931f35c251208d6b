/** One daemon per directory: a lock that the kernel lets go of when the process ends, however it ends. */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { DeviceError } from '../../host.ts';
import { flock } from '../kernel/libc.ts';
import { hasCode } from './file-errors.ts';

/** Takes the lock of each directory, made when missing. Returns how to let go. @throws DeviceError EBUSY when another daemon has one. */
export const lockDirectories = (directories: readonly string[]): (() => void) => {
  const held: number[] = [];
  const release = (): void => {
    for (const fd of held.splice(0)) closeSync(fd);
  };
  for (const directory of directories) {
    const path = `${directory}/.pantavisor.lock`;
    held.push(openLock(directory, path));
    try {
      flock(held.at(-1) ?? -1, path);
    } catch (cause) {
      release();
      if (!(cause instanceof DeviceError) || cause.code !== 'EAGAIN') throw cause;
      const advice = 'another pantavisor works here; stop it, or give this one another directory';
      throw new DeviceError('lock', directory, 'EBUSY', advice, { cause });
    }
  }
  return release;
};

/** To open a FIFO for reading would otherwise wait until somebody writes to it. It can be locked like a file. */
const QUIETLY = constants.O_RDONLY | constants.O_NONBLOCK;

/** What is there already is not written to: on a file system that is frozen even making what exists would wait for ever. */
const openLock = (directory: string, path: string): number => {
  try {
    return openSync(path, QUIETLY);
  } catch (error) {
    // The file is damaged, and the directory can be locked as well.
    if (!hasCode(error, 'ENOENT')) return openSync(directory, QUIETLY);
  }
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  return openSync(path, 'a', 0o600);
};

/**
 * The holder: a process that only keeps the monitor FIFO open, so that what monitors write while no daemon lives is
 * still there for the next one. One per lxcpath; it outlives the daemon as the containers do, and ends with the last.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';
import { mkfifo } from '../kernel/libc.ts';

/** What it is called in the process list. */
const HOLDER = 'pantavisor-fifo-holder';
const FIFO_FD = 3;

/** A FIFO that nobody writes: a shell that opens it to read sleeps for ever, without a timer and in 1 MB. */
const sleepFile = (fifo: string): string => `${fifo}.holder`;

const readProcess = async (pid: string, fifo: string): Promise<boolean> => {
  try {
    const [, , , name] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    return name === HOLDER && (await readlink(`/proc/${pid}/fd/${FIFO_FD}`)) === fifo;
  } catch (error) {
    // It ended while we looked, or is a kernel thread of which nothing can be read.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return false;
    throw error;
  }
};

/** Pids of living holders of this FIFO, whoever started them. */
export const findHolders = async (fifo: string): Promise<readonly number[]> => {
  // Made before the first holder and removed after the last: without it a look at every process can be spared.
  if (!existsSync(sleepFile(fifo))) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => ((await readProcess(pid, fifo)) ? [Number(pid)] : [])));
  return found.flat();
};

/** @returns the pid of a holder that was started now; undefined: there was one. */
export const ensureHolder = async (fifo: string, fd: number): Promise<number | undefined> => {
  if ((await findHolders(fifo)).length > 0) return undefined;
  try {
    mkfifo(sleepFile(fifo), 0o600);
  } catch (error) {
    if (!(error instanceof DeviceError && error.code === 'EEXIST')) throw error;
  }
  const child = spawn('/bin/sh', ['-c', 'read -r _ <"$1"', HOLDER, sleepFile(fifo)], {
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', fd],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  child.once('error', (cause) => reject(new DeviceError('lxc.hold', fifo, 'SPAWN', cause.message, { cause })));
  child.once('spawn', () => resolve(child.pid));
  child.unref();
  return promise;
};

export const endHolders = async (fifo: string): Promise<void> => {
  for (const pid of await findHolders(fifo)) process.kill(pid, 'SIGTERM');
  await unlink(sleepFile(fifo)).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
};

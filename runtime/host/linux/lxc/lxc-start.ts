/** Starting a monitor, and what it said when it could not start its container. */
import { spawn } from 'node:child_process';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { attempt, isAbsence } from '../files/file-errors.ts';

export interface Start {
  readonly lxcPath: string;
  readonly name: string;
  /** `lxc.log.file` of its configuration; undefined: none. */
  readonly logFile: string | undefined;
  /** Command of init, word for word; empty: `lxc.init.cmd` of its configuration. */
  readonly initWords: readonly string[];
}

/** A log that has grown beyond this gives way to a new one; one old one is kept. */
const MAX_LOG_BYTES = 256 * 1024;
const REASON_LINES = 3;
const REASON_CHARACTERS = 600;

const errorsFile = ({ lxcPath, name }: Start): string => `${lxcPath}/${name}/errors`;

/** What is in the log before this start is none of its business. */
const sizeBefore = async (logFile: string | undefined): Promise<number> => {
  if (logFile === undefined) return 0;
  try {
    await using file = await open(logFile, 'r');
    const { size } = await file.stat();
    if (size <= MAX_LOG_BYTES) return size;
    await rename(logFile, `${logFile}.1`);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  return 0;
};

export interface Monitor {
  readonly pid: number | undefined;
  /** Resolves when the process has ended, or could not be started at all. */
  readonly ended: Promise<void>;
  /** Why the container did not start. */
  reason(): Promise<string>;
}

/**
 * A detached `lxc-start -F` in its own session: it outlives the daemon and whatever is sent to the daemon's process
 * group. Nothing of the daemon is handed down: neither descriptors (-C) nor environment.
 */
export const spawnMonitor = (start: Start): Promise<Monitor> =>
  attempt('container.start', start.name, async () => {
    const logFrom = await sizeBefore(start.logFile);
    await using errors = await open(errorsFile(start), 'w', 0o600);
    const command = start.initWords.length > 0 ? ['--', ...start.initWords] : [];
    const child = spawn('lxc-start', ['-C', '-P', start.lxcPath, '-n', start.name, '-F', ...command], {
      cwd: '/',
      detached: true,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'ignore', errors.fd],
    });
    child.unref();
    let failure = '';
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      failure = `lxc-start cannot be run: ${error.message}`;
      resolve();
    });
    const reason = async (): Promise<string> => {
      const logged = start.logFile === undefined ? '' : await tail(start.logFile, logFrom);
      return failure || reasonIn(logged) || reasonIn(await tail(errorsFile(start), 0)) || 'LXC gave no reason';
    };
    return { pid: child.pid, ended, reason };
  });

const tail = async (path: string, from: number): Promise<string> => {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (isAbsence(error)) return '';
    throw error;
  }
  await using _ = file;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LOG_BYTES), 0, MAX_LOG_BYTES, from);
  return buffer.toString('utf8', 0, bytesRead);
};

/** What LXC adds to every failure, in the order of its call stack. */
const CONSEQUENCES =
  /^(An error occurred in another process|Failed to spawn container|Failed to (setup (container|rootfs)|mount rootfs)|Failed to create lxc_container|The container failed to start|Additional information can be|Failed to load config)/;

/** Errors in LXC's log (`lxc-start web 2026… ERROR start - …:197 - text`) or on stderr (`lxc-start: web: ….c: f: 197 text`). */
const errorIn = (line: string): string | undefined =>
  /^\S+ \S+ \S+ (?:ERROR|CRIT|ALERT|FATAL)\s.*?\.c:\w+:\d+ - (.*)$/.exec(line)?.[1] ??
  /^lxc-start: (?:.*?\.c: \w+: \d+ )?(.*)$/.exec(line)?.[1];

/** The first errors that are causes: LXC logs from the inside out. */
export const reasonIn = (text: string): string => {
  const errors = text.split('\n').flatMap((line) => errorIn(line) ?? []);
  const causes = errors.filter((error) => !CONSEQUENCES.test(error));
  const told = causes.length > 0 ? causes.slice(0, REASON_LINES) : errors.slice(-1);
  return [...new Set(told)].join('; ').slice(0, REASON_CHARACTERS);
};

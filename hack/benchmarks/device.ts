/**
 * One device to be measured: its directories, and the daemon that is started and ended in them again and again.
 *
 * In: a state to begin with. Out: what the daemon logged, with the time at which it arrived here. The run directory is
 * a tmpfs, as it is on a device; storage is on the disk. `remove` leaves nothing of it on the machine.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, sweep } from '../demonstration/sweep.ts';
import { type BenchState, stage } from './guest.ts';
import { get } from './http.ts';

export const PREFIX = 'pantavisor-bench-';
const LIMIT_MS = 20_000;

export interface Line {
  /** Of performance.now(). */
  readonly atMs: number;
  readonly ref?: string;
  readonly revision?: string;
  readonly msg: string;
}

export interface Daemon {
  readonly pid: number;
  readonly startedAtMs: number;
  /**
   * The first line that is as asked, of those already there from number `from` on and of those to come.
   * @throws Error when the daemon ends or takes too long.
   */
  line(isIt: (line: Line) => boolean, from?: number): Promise<Line>;
  /** Until `count` containers have been started since the start. @returns the last one's time. */
  started(count: number): Promise<number>;
  /** Lines so far. */
  readonly lines: readonly Line[];
  /** SIGTERM. @returns how long it took. */
  stop(): Promise<number>;
}

export interface BenchDevice {
  readonly directory: string;
  readonly storage: string;
  readonly run: string;
  readonly socket: string;
  readonly marks: string;
  start(options?: StartOptions): Promise<Daemon>;
  /** @returns when it was there. */
  drop(name: string, state: Pick<BenchState, 'text'>): number;
  /** Moves a file into the watched directory. @returns when it was there. */
  dropFile(name: string, file: string): number;
  remove(): Promise<void>;
}

export interface StartOptions {
  /** What runs the daemon, such as unshare and its arguments. */
  readonly by?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
}

export const newDirectory = (): string => mkdtempSync(join(tmpdir(), PREFIX));

export function benchDevice(
  program: string,
  make: (marks: string) => { revision: BenchState; others?: readonly BenchState[] },
): BenchDevice {
  const directory = newDirectory();
  const [storage = '', run = '', watched = '', marks = ''] = ['storage', 'run', 'incoming', 'marks'].map((name) =>
    join(directory, name),
  );
  for (const each of [storage, run, watched, marks]) mkdirSync(each);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', run]);
  const { revision, others = [] } = make(marks);
  stage(storage, revision, others);
  const daemons: { pid: number; stop(): Promise<number> }[] = [];
  const dropFile = (name: string, file: string): number => {
    const droppedAtMs = performance.now();
    renameSync(file, join(watched, name));
    return droppedAtMs;
  };

  return {
    directory,
    storage,
    run,
    marks,
    socket: join(run, 'pv-ctrl'),
    start: async ({ by = [], settings = {} } = {}) => {
      for (const name of readdirSync(marks)) rmSync(join(marks, name));
      const daemon = spawnDaemon([...by, program, 'run'], join(directory, 'daemon.err'), {
        PV_SYSTEM_INIT_MODE: 'appengine',
        PV_STORAGE_MNTPOINT: storage,
        PV_SYSTEM_RUNDIR: run,
        PV_WATCH_DIR: watched,
        PV_UPDATER_COMMIT_DELAY: '0',
        PV_UPDATER_REBOOT: '0',
        ...settings,
      });
      daemons.push(daemon);
      return daemon;
    },
    drop: (name, { text }) => {
      const partial = join(watched, `.${name}.partial`);
      writeFileSync(partial, text);
      return dropFile(`${name}.json`, partial);
    },
    dropFile,
    remove: async () => {
      for (const daemon of daemons) await daemon.stop();
      const giveUpAt = performance.now() + 3_000;
      while (leftovers(directory).some(isOfDaemon) && performance.now() < giveUpAt) await sleep(50);
      const left = leftovers(directory).filter(isOfDaemon);
      await sweep(directory);
      if (left.length > 0) throw new Error(`the daemon left behind: ${left.join(', ')}`);
    },
  };
}

/** The run directory is our own mount. */
const isOfDaemon = (trace: string): boolean => !/^mount .*\/run$/.test(trace);

/** Resolves when the control socket answers. @returns when. */
export async function answers(socket: string): Promise<number> {
  const giveUpAt = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      await get(socket, '/containers');
      return performance.now();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(2);
    }
  }
}

function spawnDaemon(command: readonly string[], errors: string, settings: Readonly<Record<string, string>>): Daemon {
  const [program = '', ...parameters] = command;
  const output = openSync(errors, 'a');
  const startedAtMs = performance.now();
  // Its own session: Ctrl-C in the terminal is for us, and we stop the daemon in good order.
  const child = spawn(program, parameters, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', output],
    env: { ...process.env, ...settings },
  });
  closeSync(output);
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let end: string | undefined;
  const wake = (): void => {
    for (const each of waiting) each();
  };
  if (child.stdout === null) throw new Error('the daemon has no output');
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push({ ...JSON.parse(text), atMs: performance.now() });
    wake();
  });
  const exited = once(child, 'exit').then(([code, signal]) => {
    end = `the daemon ended (${signal ?? code}): ${lines.at(-1)?.msg}`;
    wake();
  });

  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        waiting.delete(look);
        clearTimeout(timer);
      };
      const fail = (reason: string): void => {
        done();
        reject(
          new Error(
            `${reason}\n${lines
              .map(({ ref, msg }) => `  ${ref ?? ''} ${msg}`)
              .slice(-20)
              .join('\n')}`,
          ),
        );
      };
      const look = (): void => {
        const found = find();
        if (found !== undefined) {
          done();
          resolve(found);
        } else if (end !== undefined) fail(end);
      };
      const timer = setTimeout(() => fail(`not within ${LIMIT_MS} ms: ${find}`), LIMIT_MS);
      waiting.add(look);
      look();
    });

  return {
    pid: child.pid ?? 0,
    startedAtMs,
    lines,
    line: (isIt, from = 0) => until(() => lines.find((line, index) => index >= from && isIt(line))),
    started: (count) =>
      until(() => {
        const found = lines.filter(({ msg }) => msg.startsWith('container.start:'));
        return found.length >= count ? found[count - 1]?.atMs : undefined;
      }),
    stop: async () => {
      const askedAtMs = performance.now();
      if (end === undefined) child.kill('SIGTERM');
      await exited;
      return performance.now() - askedAtMs;
    },
  };
}

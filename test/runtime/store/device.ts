/** A store in a temporary directory of the real file system. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Paths } from '../../../resources/paths.ts';
import type { Clock, Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { openStore, type Store, type StoreOptions } from '../../../runtime/store/store.ts';

/** A clock that moves when it is told to. */
export interface StoppedClock extends Clock {
  advance(milliseconds: number): void;
  /** Callbacks that are waiting for their time. */
  pending(): number;
}

export const stoppedClock = (): StoppedClock => {
  let nowMs = 1_000_000;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  return {
    nowMs: () => nowMs,
    wallTime: () => new Date(Date.UTC(2130, 0, 1) + nowMs), // long after any file was written
    schedule: (atMs, callback) => {
      const timer = { atMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon: (callback) => {
      const turn = setImmediate(callback);
      return () => clearImmediate(turn);
    },
    advance: (milliseconds) => {
      nowMs += milliseconds;
      for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs)) {
        timers.delete(timer);
        timer.callback();
      }
    },
    pending: () => timers.size,
  };
};

export const pathsBelow = (root: string): Paths => ({
  storage: `${root}/storage`,
  run: `${root}/run`,
  logs: `${root}/storage/logs`,
  volumes: `${root}/volumes`,
  config: `${root}/config`,
  media: `${root}/media`,
  watch: `${root}/storage/incoming`,
  lxc: `${root}/lxc`,
});

export interface TestDevice {
  readonly root: string;
  readonly paths: Paths;
  readonly files: Files;
  readonly clock: StoppedClock;
  readonly problems: string[];
  /** As after a restart of the daemon. */
  reopen(files?: Files, more?: Partial<StoreOptions>): Promise<Store>;
  remove(): Promise<void>;
}

export const testDevice = async (): Promise<TestDevice> => {
  const root = await mkdtemp(join(tmpdir(), 'pvtest-store-'));
  const [paths, clock, problems] = [pathsBelow(root), stoppedClock(), [] as string[]];
  return {
    root,
    paths,
    files: linuxFiles,
    clock,
    problems,
    reopen: (files = linuxFiles, more = {}) =>
      openStore({
        files,
        clock,
        paths,
        onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
        ...more,
      }),
    remove: () => rm(root, { recursive: true, force: true }),
  };
};

export async function* streamOf(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

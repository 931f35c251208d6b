/**
 * What containers say without being asked: their consoles and LXC's own logs, which LXC keeps in the run directory, and
 * the log files inside them.
 *
 * In: which containers there are, with the pids of their inits. Out: records, as many as the log server has room for;
 * what waits, waits where it is. LXC writes whether a daemon lives or not: a new one goes on where the last one stopped.
 */
import type { Logger } from '../../resources/kinds/logger.ts';
import { inTurn } from '../engine/in-turn.ts';
import type { FollowedFiles, FollowedRoot } from '../host/followed-files.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import type { Delivered, Receipt } from './checkpoint.ts';
import { FORGETFUL, type Follower, type FollowOptions, follow } from './follower.ts';
import type { LogRecord } from './log-record.ts';

/** Whether there is anything to hear of a container. */
export interface Life {
  readonly name: string;
  /** undefined: it does not run. */
  readonly initPid: number | undefined;
  /** undefined: nobody said yet what is wanted of it. */
  readonly loggers: readonly Logger[] | undefined;
}

export interface CapturesOptions {
  readonly files: FollowedFiles;
  readonly clock: Clock;
  /** Of all containers, below `runRoot`; see captureDirectory. */
  readonly directory: string;
  /** As near as it always exists: every directory on the way is opened at every look. */
  readonly runRoot: FollowedRoot;
  /** The root file system of a container as its init sees it. */
  readonly rootOf: (name: string, initPid: number) => FollowedRoot;
  readonly delivered: Delivered;
  /** Calls back when the platform may send one record, at once if it may. */
  readonly whenRoom: (platform: string, callback: () => void) => void;
  readonly take: (record: LogRecord) => unknown;
  readonly now: () => Pick<LogRecord, 'timeMs' | 'tsec'>;
  /** `PV_LOG_LOGGERS`. */
  readonly followsLoggers: boolean;
  /** Of a container that is gone, when everything is read. @throws DeviceError ENOENT: there was nothing. */
  readonly forget: (name: string) => Promise<void>;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Captures {
  /** All containers as they are now. */
  follow(lives: readonly Life[]): void;
  /** @param isLast the containers are gone: what there is is read to its end. */
  stop(isLast: boolean): Promise<void>;
}

const INFO = 3;
/**
 * Opening what is followed is work, and a container that starts has better use for the processors: what it says
 * meanwhile waits in its files. Changes of this time are taken up together.
 */
const SETTLE_MS = 1_000;
const RUNTIME_LOGS = ['console.log', 'lxc.log'];

interface Container {
  readonly turn: ReturnType<typeof inTurn>;
  life: Life | undefined;
  runtime: readonly Follower[];
  loggers: readonly Follower[];
  /** Whose logs are followed. */
  initPid: number | undefined;
}

export const openCaptures = (options: CapturesOptions): Captures => {
  const { files, clock, directory, runRoot, rootOf, delivered, onProblem, onBug } = options;
  const containers = new Map<string, Container>();
  /** What was not taken up yet. */
  const news = new Map<string, Life | undefined>();
  let cancelTakingUp: (() => void) | undefined;
  let isStopped = false;
  let seen = '';
  let isForgetful = false;

  /** Mostly it is so of all files of the device: one is told of. */
  const tell = (subject: string, message: string): void => {
    if (message === FORGETFUL && isForgetful) return;
    isForgetful ||= message === FORGETFUL;
    onProblem(subject, message);
  };

  const recordOf = (platform: string, source: string, data: Buffer): LogRecord => ({
    ...{ platform, source, data, isOwn: false, level: INFO, isText: false },
    ...options.now(),
  });

  const deliver = (platform: string, source: string, data: Buffer, receipt: Receipt): Promise<void> =>
    new Promise((resolve) => {
      const commit = async (): Promise<void> => {
        await receipt.commit();
        resolve();
      };
      options.whenRoom(platform, () =>
        options.take({ ...recordOf(platform, source, data), receipt: { ...receipt, commit } }),
      );
    });

  const start = (platform: string, source: string, place: Pick<FollowOptions, 'root' | 'path' | 'isRing'>): Follower =>
    follow({
      ...{ files, clock, delivered, onBug, ...place },
      deliver: (data, receipt) => deliver(platform, source, data, receipt),
      remark: async (text) => void options.take(recordOf(platform, source, Buffer.from(`${text}\n`))),
      onProblem: (subject, message) => tell(`${platform}: ${subject}`, message),
    });

  const followRuntime = (name: string): readonly Follower[] =>
    RUNTIME_LOGS.map((file) =>
      start(name, `lxc/${file}`, { root: runRoot, path: `${directory}/${name}/${file}`, isRing: true }),
    );
  const followLoggers = async (container: Container): Promise<void> => {
    const { life, initPid } = container;
    if (initPid === life?.initPid) return;
    await finish(container.loggers);
    [container.loggers, container.initPid] = [[], undefined];
    if (life?.initPid === undefined || life.loggers === undefined) return;
    const root = rootOf(life.name, life.initPid);
    const followed = options.followsLoggers ? life.loggers : [];
    container.loggers = followed.map((logger) => start(life.name, logger.path, { root, isRing: false, ...logger }));
    container.initPid = life.initPid;
  };
  const finish = (followers: readonly Follower[]): Promise<unknown> =>
    Promise.all(followers.map((follower) => follower.finish()));

  const forget = async (name: string): Promise<void> => {
    try {
      await options.forget(name);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      // It was never started, or somebody took it away.
      if (error.code !== 'ENOENT') onProblem(name, `what was captured of it stays: ${error.message}`);
    }
  };

  /** Brings what is followed of one container to what it is. */
  const apply = async (name: string, container: Container): Promise<void> => {
    const { life } = container;
    if (isStopped) return;
    await followLoggers(container);
    // Also of one that came and went: what it said is there.
    if (container.runtime.length === 0) container.runtime = followRuntime(name);
    if (life !== undefined) return;
    await finish(container.runtime);
    container.runtime = [];
    if (container.life !== undefined) return; // it is there again
    containers.delete(name);
    await forget(name);
  };

  const change = async (name: string, life: Life | undefined): Promise<void> => {
    const container = containers.get(name) ?? {
      ...{ turn: inTurn(), life: undefined, runtime: [], loggers: [], initPid: undefined },
    };
    containers.set(name, container);
    container.life = life;
    await container.turn(() => apply(name, container)).catch(onBug);
  };

  /** Resolves when what is new is followed, and what is gone is not. */
  const takeUp = async (): Promise<void> => {
    cancelTakingUp = undefined;
    const changes = [...news];
    news.clear();
    await Promise.all(changes.map(([name, life]) => change(name, life)));
  };

  return {
    follow: (lives) => {
      const now = JSON.stringify(lives.map(({ name, initPid, loggers }) => [name, initPid, loggers !== undefined]));
      if (now === seen || isStopped) return;
      seen = now;
      const names = new Set(lives.map(({ name }) => name));
      for (const name of [...containers.keys(), ...news.keys()]) if (!names.has(name)) news.set(name, undefined);
      for (const life of lives) news.set(life.name, life);
      cancelTakingUp ??= clock.schedule(clock.nowMs() + SETTLE_MS, () => void takeUp());
    },
    stop: async (isLast) => {
      cancelTakingUp?.();
      if (isLast) await takeUp();
      isStopped = true;
      const followers = [...containers.values()].flatMap(({ runtime, loggers }) => [...runtime, ...loggers]);
      await Promise.all(followers.map((follower) => (isLast ? follower.finish() : follower.stop())));
    },
  };
};

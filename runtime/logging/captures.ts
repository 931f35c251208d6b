/**
 * What containers say without being asked: their consoles and LXC's own logs, which LXC keeps in the run directory, and
 * the log files inside them.
 *
 * In: which containers there are, with the pids of their inits. Out: records, as many as the log server has room for;
 * what waits, waits where it is. LXC writes whether a daemon lives or not: a new one goes on where the last one stopped.
 */
import type { Logger } from '../../resources/kinds/logger.ts';
import { captureName, type Started } from '../../resources/lxc/lxc-place.ts';
import { inTurn } from '../engine/in-turn.ts';
import type { FollowedFiles, FollowedRoot } from '../host/followed-files.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import type { Delivered, Receipt } from './checkpoint.ts';
import { FORGETFUL, type Follower, type FollowOptions, follow } from './follower.ts';
import type { LogRecord } from './log-record.ts';

/** Whether there is anything to hear of a container. */
export interface Life extends Started {
  /** The revision that wants it as it is; undefined: none does any more, and what it still says belongs to the last. */
  readonly wantedBy: string | undefined;
  /** undefined: it does not run. */
  readonly initPid: number | undefined;
  /** undefined: nobody said yet what is wanted of it. */
  readonly loggers: readonly Logger[] | undefined;
}

export interface CapturesOptions {
  readonly files: FollowedFiles;
  readonly clock: Clock;
  /** Below `runRoot`; see captureDirectory. */
  readonly directoryOf: (started: Started) => string;
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
  /**
   * What there are files of, asked once: an earlier daemon may have died before it read them to their end.
   * isOnDevice: a container of that name exists. @throws DeviceError
   */
  readonly leftBehind: () => Promise<readonly (Started & { readonly isOnDevice: boolean })[]>;
  /** Of a container that is gone, when everything is read. @throws DeviceError ENOENT: there was nothing. */
  readonly forget: (started: Started) => Promise<void>;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Captures {
  /** All containers as they are now. */
  follow(lives: readonly Life[]): void;
  /** Resolves when everything that a container has said by now is where it belongs, a line without its end too. */
  readToEnd(name: string, startedIn: string): Promise<void>;
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

/** One container in one revision. */
interface Container extends Started {
  readonly turn: ReturnType<typeof inTurn>;
  /** Whose log its lines belong to: the last revision that wanted it. */
  revision: string;
  life: Life | undefined;
  runtime: readonly Follower[];
  loggers: readonly Follower[];
  /** Whose logs are followed. */
  initPid: number | undefined;
}

export const openCaptures = (options: CapturesOptions): Captures => {
  const { files, clock, directoryOf, runRoot, rootOf, delivered, onProblem, onBug } = options;
  const containers = new Map<string, Container>();
  /** What was not taken up yet. */
  const news = new Set<Container>();
  let isFirst = true;
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

  const recordOf = ({ name, revision }: Container, source: string, data: Buffer): LogRecord => ({
    ...{ platform: name, revision, source, data, isOwn: false, level: INFO, isText: false },
    ...options.now(),
  });

  const deliver = (container: Container, source: string, data: Buffer, receipt: Receipt): Promise<void> =>
    new Promise((resolve) => {
      const commit = async (): Promise<void> => {
        await receipt.commit();
        resolve();
      };
      options.whenRoom(container.name, () =>
        options.take({ ...recordOf(container, source, data), receipt: { ...receipt, commit } }),
      );
    });

  const start = (container: Container, source: string, place: Pick<FollowOptions, 'root' | 'path' | 'isRing'>) =>
    follow({
      ...{ files, clock, delivered, onBug, ...place },
      deliver: (data, receipt) => deliver(container, source, data, receipt),
      remark: async (text) => void options.take(recordOf(container, source, Buffer.from(`${text}\n`))),
      onProblem: (subject, message) => tell(`${container.name}: ${subject}`, message),
    });

  const followRuntime = (container: Container): readonly Follower[] =>
    RUNTIME_LOGS.map((file) =>
      start(container, `lxc/${file}`, { root: runRoot, path: `${directoryOf(container)}/${file}`, isRing: true }),
    );
  const followLoggers = async (container: Container): Promise<void> => {
    const { life, initPid } = container;
    if (initPid === life?.initPid) return;
    await finish(container.loggers);
    [container.loggers, container.initPid] = [[], undefined];
    if (life?.initPid === undefined || life.loggers === undefined) return;
    const root = rootOf(life.name, life.initPid);
    const followed = options.followsLoggers ? life.loggers : [];
    container.loggers = followed.map((logger) => start(container, logger.path, { root, isRing: false, ...logger }));
    container.initPid = life.initPid;
  };
  const finish = (followers: readonly Follower[]): Promise<unknown> =>
    Promise.all(followers.map((follower) => follower.finish()));

  const forget = async (container: Container): Promise<void> => {
    try {
      await options.forget(container);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      // It was never started, or somebody took it away.
      if (error.code !== 'ENOENT') onProblem(container.name, `what was captured of it stays: ${error.message}`);
    }
  };

  /** Brings what is followed of one container to what it is. */
  const apply = async (container: Container): Promise<void> => {
    if (isStopped) return;
    await followLoggers(container);
    // Also of one that came and went: what it said is there.
    if (container.runtime.length === 0) container.runtime = followRuntime(container);
    if (container.life !== undefined) return;
    await finish(container.runtime);
    container.runtime = [];
    if (container.life !== undefined) return; // it is there again
    containers.delete(captureName(container));
    await forget(container);
  };

  const containerOf = ({ name, startedIn }: Started): Container => {
    const key = captureName({ name, startedIn });
    const container = containers.get(key) ?? {
      ...{ name, startedIn, turn: inTurn(), revision: startedIn, life: undefined },
      ...{ runtime: [], loggers: [], initPid: undefined },
    };
    containers.set(key, container);
    return container;
  };

  const findLeftBehind = async (): Promise<void> => {
    const names = new Set([...containers.values()].map(({ name }) => name));
    try {
      // One that exists and was not seen yet may be alive.
      for (const left of await options.leftBehind())
        if (names.has(left.name) || !left.isOnDevice) news.add(containerOf(left));
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem('logs', `what containers said before the daemon started may stay unread: ${error.message}`);
    }
  };

  /** Resolves when what is new is followed, and what is gone is read to its end. */
  const takeUp = async (): Promise<void> => {
    cancelTakingUp?.();
    cancelTakingUp = undefined;
    if (isFirst) {
      isFirst = false;
      await findLeftBehind();
    }
    const changed = [...news];
    news.clear();
    await Promise.all(changed.map((container) => container.turn(() => apply(container)).catch(onBug)));
  };

  return {
    follow: (lives) => {
      const now = JSON.stringify(lives.map((life) => ({ ...life, loggers: life.loggers !== undefined })));
      if (now === seen || isStopped) return;
      seen = now;
      const gone = new Set(containers.values());
      for (const life of lives) {
        const container = containerOf(life);
        gone.delete(container);
        container.life = life;
        // From now on, however late what it said is read.
        container.revision = life.wantedBy ?? container.revision;
        news.add(container);
      }
      for (const container of gone) {
        container.life = undefined;
        news.add(container);
      }
      cancelTakingUp ??= clock.schedule(clock.nowMs() + SETTLE_MS, () => void takeUp().catch(onBug));
    },
    readToEnd: async (name, startedIn) => {
      await takeUp();
      const container = containers.get(captureName({ name, startedIn }));
      if (container === undefined) return; // it was read to its end and forgotten
      await container.turn(async () => {
        await finish(container.runtime);
        container.runtime = [];
      });
      news.add(container);
      cancelTakingUp ??= clock.schedule(clock.nowMs() + SETTLE_MS, () => void takeUp().catch(onBug));
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

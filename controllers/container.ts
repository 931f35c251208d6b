/**
 * Containers on the device: what LXC says is alive, and what the ledger says it is. Their ends come from the host's
 * exit stream, which tells of an end before the container is gone, and are on record before anybody decides upon them.
 */
import { map, merge, Subject } from 'rxjs';
import type { ContainerPhase, ContainerSpec, ContainerStatus, Exit, Run } from '../resources/kinds/container.ts';
import { nameOf, refOf } from '../resources/ref.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import { directoryWatch } from '../runtime/engine/directory-watch.ts';
import type { Ledger } from '../runtime/engine/ledger.ts';
import type { Host } from '../runtime/host/host.ts';
import { inTime } from '../runtime/host/in-time.ts';
import { areIntact, type Tree, treesAt } from '../runtime/host/trees.ts';

interface ContainerEntry {
  readonly definition: string;
  readonly generation: number;
  readonly revision: string;
  readonly rank: number;
  readonly retries: number;
  readonly run?: Run;
  /** Writable directories of its root, as they were when it started. */
  readonly uppers?: readonly Tree[];
  readonly end?: End;
}

interface End {
  readonly exit: Exit;
  readonly atMs: number;
}

/** What LXC is given for a container, and which directories its root file system writes to. */
export interface LxcSetup {
  readonly config: string;
  readonly uppers: readonly string[];
}

export interface ContainerControllerOptions {
  readonly host: Host;
  readonly ledger: Ledger;
  readonly reconcile: Reconciler<'container'>;
  /** Prepares what a start needs outside LXC and returns the configuration. @throws DeviceError */
  readonly prepare: (spec: ContainerSpec) => Promise<LxcSetup>;
  /** Undoes `prepare`. */
  readonly tidy: (name: string) => Promise<void>;
}

export interface ContainerController extends Controller<'container'> {
  /** The container says that it is ready. False: it is not running. */
  signalReady(name: string): Promise<boolean>;
}

const START_TIMEOUT_SECONDS = 60;
/** One write that hangs must not hold up all later ones. */
const WRITE_LIMIT_SECONDS = 10;

export const containerController = (options: ContainerControllerOptions): ContainerController => {
  const { host, ledger, reconcile } = options;
  const { containers, clock, files } = host;
  const rootWatch = directoryWatch(files);
  const signals = new Subject<string>();
  /** Told, but not on record yet: writing may fail, and must not be tried here. */
  const ends = new Map<string, End>();
  /** Since when LXC takes containers down. */
  const endings = new Map<string, number>();
  /** Changes of entries under way: two that read the same entry would lose one of them. */
  const changing = new Map<string, Promise<void>>();

  const entryOf = (name: string): Promise<ContainerEntry | undefined> => ledger.get<ContainerEntry>('container', name);
  const update = (name: string, change: (entry: ContainerEntry) => ContainerEntry): Promise<void> => {
    const write = async (): Promise<void> => {
      const entry = await entryOf(name);
      const changed = entry && change(entry);
      if (changed !== undefined && changed !== entry) await ledger.put<ContainerEntry>('container', name, changed);
    };
    const writeInTime = () => inTime(clock, WRITE_LIMIT_SECONDS, 'ledger.write', refOf('container', name), write);
    // Whoever asked for the change before this one has its error.
    const written = (changing.get(name) ?? Promise.resolve()).then(writeInTime, writeInTime);
    changing.set(name, written);
    return written;
  };
  const recordEnd = async (name: string): Promise<End> => {
    const end = ends.get(name) ?? { exit: { type: 'unknown' }, atMs: clock.nowMs() };
    await update(name, (entry) => ({ ...entry, end }));
    ends.delete(name);
    return end;
  };
  const requestStop = async (name: string): Promise<void> => {
    // What lives without a record must be killed after a while as well.
    if ((await entryOf(name)) === undefined) await ledger.put<ContainerEntry>('container', name, UNKNOWN);
    const nowMs = clock.nowMs();
    await update(name, (entry) => {
      if (entry.run?.stopRequestedAtMs !== undefined) return entry;
      return { ...entry, run: { ...(entry.run ?? STRANGE_RUN), stopRequestedAtMs: nowMs } };
    });
  };

  const observe = async (name: string): Promise<ContainerStatus | undefined> => {
    const [entry, state] = [await entryOf(name), await containers.inspect(name)];
    if (entry === undefined && state === undefined) {
      return (await containers.list()).includes(name) ? { ...UNKNOWN, phase: 'installed' } : undefined;
    }
    const { definition, generation, revision, rank, retries } = entry ?? UNKNOWN;
    const phase = await phaseOf(name, entry, state);
    rootWatch.set(name, phase.phase === 'running' ? [...new Set((entry?.uppers ?? []).map(parentOf))] : []);
    return { definition, generation, revision, rank, retries, ...phase };
  };

  const phaseOf = async (
    name: string,
    entry: ContainerEntry | undefined,
    state: Awaited<ReturnType<typeof containers.inspect>>,
  ): Promise<ContainerPhase> => {
    const run: Run = entry?.run ?? STRANGE_RUN;
    if (state?.state !== 'STOPPING') endings.delete(name);
    if (state === undefined) {
      if (entry?.run === undefined) return { phase: 'installed' };
      // A start that a dying daemon never finished; nothing ran yet.
      if (entry.end === undefined && run.initPid === undefined && !ends.has(name)) return { phase: 'installed' };
      const { exit, atMs } = entry.end ?? (await recordEnd(name));
      return { phase: 'exited', run, exit, exitedAtMs: atMs };
    }
    if (state.state === 'STARTING') return { phase: 'starting', run };
    const initPid = state.initPid ?? run.initPid;
    if (initPid && entry?.run !== undefined && entry.run.initPid === undefined) await adopt(name, entry, initPid);
    const living = {
      phase: 'running' as const,
      run: initPid === undefined ? run : { ...run, initPid },
      frozen: state.state === 'FROZEN',
      rootIntact: await areIntact(files, entry?.uppers ?? []),
    };
    if (state.state !== 'STOPPING') return living;
    const endingSinceMs = endings.get(name) ?? clock.nowMs();
    endings.set(name, endingSinceMs);
    return { ...living, endingSinceMs };
  };

  /** A start that nobody saw the end of: the container lives all the same. */
  const adopt = async (name: string, { uppers = [] }: ContainerEntry, initPid: number): Promise<void> => {
    const paths = uppers.map(({ path }) => path);
    const trees = await treesAt(files, paths);
    await update(name, (entry) => (entry.run ? { ...entry, uppers: trees, run: { ...entry.run, initPid } } : entry));
  };

  const start = async (spec: ContainerSpec, volumes: Run['volumes'], signal: AbortSignal): Promise<void> => {
    const { name } = spec;
    const { dependsOn } = spec;
    const run: Run = { startedAtMs: clock.nowMs(), volumes, ...(dependsOn === undefined ? {} : { dependsOn }) };
    // A start that took too long is given up, and may end when another one is under way.
    const ifStill = (change: (entry: ContainerEntry) => ContainerEntry) => (entry: ContainerEntry) =>
      entry.run?.startedAtMs === run.startedAtMs ? change(entry) : entry;
    ends.delete(name);
    const { config, uppers } = await options.prepare(spec);
    signal.throwIfAborted();
    await containers.configure(name, config);
    signal.throwIfAborted();
    const paths = uppers.map((path) => ({ path }));
    await update(name, ({ end: _, ...entry }) => ({ ...entry, revision: spec.revision, run, uppers: paths }));
    signal.throwIfAborted();
    try {
      const initPid = await containers.start(name);
      const trees = await treesAt(files, uppers);
      await update(
        name,
        ifStill((entry) => ({ ...entry, uppers: trees, run: { ...run, ...entry.run, initPid } })),
      );
    } catch (error) {
      // What the monitor reports about an attempt is no end of a run; but some refusals come too late to be true.
      if ((await containers.inspect(name)) === undefined) {
        ends.delete(name);
        await update(
          name,
          ifStill(({ run: _run, end: _end, ...entry }) => entry),
        );
      }
      throw error;
    }
  };

  return {
    kind: 'container',
    reconcile,
    watch: () =>
      merge(
        containers.changes,
        containers.exits.pipe(
          map(({ name, exit }) => {
            ends.set(name, { exit, atMs: clock.nowMs() });
            return name;
          }),
        ),
        rootWatch.changes,
        signals,
      ),
    list: async () => [...new Set([...(await ledger.names('container')), ...(await containers.list())])],
    observe,
    signalReady: async (name) => {
      const isRunning = ({ run, end }: ContainerEntry): boolean => run !== undefined && end === undefined;
      const entry = await entryOf(name);
      if (entry === undefined || !isRunning(entry)) return false;
      const readyAtMs = clock.nowMs();
      await update(name, (latest) =>
        latest.run !== undefined && latest.run.readyAtMs === undefined && isRunning(latest)
          ? { ...latest, run: { ...latest.run, readyAtMs } }
          : latest,
      );
      signals.next(name);
      return true;
    },
    execute: {
      // `signal`: what is answered after it was given up is followed by nothing, for it would be about another life.
      'container.install': async ({ spec: { definition, generation, revision, name }, rank }) => {
        await ledger.put<ContainerEntry>('container', name, { definition, generation, revision, rank, retries: 0 });
      },
      'container.start': ({ spec, volumes }, signal) => start(spec, volumes, signal),
      'container.halt': async ({ ref }, signal) => {
        await requestStop(nameOf(ref));
        signal.throwIfAborted();
        await containers.halt(nameOf(ref));
      },
      'container.kill': async ({ ref }, signal) => {
        await requestStop(nameOf(ref));
        signal.throwIfAborted();
        await containers.kill(nameOf(ref));
      },
      'container.unfreeze': ({ ref }) => containers.unfreeze(nameOf(ref)),
      'container.reset': async ({ ref, retries }, signal) => {
        await options.tidy(nameOf(ref));
        signal.throwIfAborted();
        await update(nameOf(ref), ({ run: _run, end: _end, uppers: _uppers, ...entry }) => ({ ...entry, retries }));
      },
      'container.remove': async ({ ref }, signal) => {
        await containers.remove(nameOf(ref));
        signal.throwIfAborted();
        await options.tidy(nameOf(ref));
        signal.throwIfAborted();
        await ledger.remove('container', nameOf(ref));
      },
    },
    timeoutSeconds: { 'container.start': START_TIMEOUT_SECONDS },
  };
};

/** Lives under our lxcpath, but no ledger knows it: no revision can want it. */
const UNKNOWN: Omit<ContainerEntry, 'run'> = { definition: '', generation: 0, revision: '', rank: 0, retries: 0 };

/** Of a container that lives without a record of its start. */
const STRANGE_RUN: Run = { startedAtMs: 0, volumes: {} };

const parentOf = ({ path }: Tree): string => path.slice(0, path.lastIndexOf('/'));

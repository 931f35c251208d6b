/**
 * The update on the device: boot variables, progress and failures in the store, and the trial's times in the ledger.
 *
 * Order of writes, so that a crash between any two ends in old or new, whole: a trial's trail is complete before
 * `pv_try` names it; a failure is on record before `pv_try` is unset; `pv_rev` moves in one write and only then the
 * progress says DONE.
 */
import { EMPTY } from 'rxjs';
import { MESSAGE, progressOf } from '../resources/progress.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Failure, Trial, UpdateStatus } from '../resources/update.ts';
import type { Controller } from '../runtime/controller.ts';
import { DeviceError, type Host } from '../runtime/host/host.ts';
import type { Ledger } from '../runtime/ledger.ts';
import { Rejection } from '../runtime/store/rejection.ts';
import type { Store } from '../runtime/store/store.ts';
import type { TrailContent } from '../runtime/store/trail.ts';

const DEVICE = 'device';
const VERIFY_LIMIT_SECONDS = 3_600;

/** A revision read from the store. */
export interface LoadedRevision {
  readonly revision: string;
  readonly hash: string;
  readonly content: TrailContent;
}

export interface UpdateControllerOptions {
  readonly host: Host;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly reconcile: Reconciler<'update'>;
  /** Reads and compiles a revision; keeps it at hand. @throws Rejection with every problem of its document. */
  readonly load: (revision: string) => Promise<LoadedRevision>;
  readonly commitDelaySeconds: number;
  /** undefined: nothing is verified before it is tried. */
  readonly soundness?: {
    /** Why a revision must not be tried. */
    whyUnsound(revision: LoadedRevision, signal: AbortSignal): Promise<string | undefined>;
    /** What is wrong with the one that runs. */
    faultOf(revision: string): string | undefined;
  };
  /** Differs for every start of the daemon. */
  readonly session: string;
}

interface TrialEntry {
  readonly session: string;
  readonly revision: string;
  readonly startedAtMs: number;
  readonly commitAtMs?: number;
}

export const updateController = (options: UpdateControllerOptions): Controller<'update'> => {
  const { host, ledger, store, reconcile, load, session, soundness } = options;
  const { clock } = host;

  const trialOf = async (revision: string, fallback: string): Promise<Trial> => {
    const entry = await ledger.get<TrialEntry>('update', DEVICE);
    const hash = (await store.hash(revision)) ?? '';
    if (entry?.session !== session || entry.revision !== revision) {
      return { revision, hash, fallback, startedAtMs: clock.nowMs(), interrupted: true };
    }
    const { startedAtMs, commitAtMs } = entry;
    return {
      revision,
      hash,
      fallback,
      startedAtMs,
      interrupted: false,
      ...(commitAtMs === undefined ? {} : { commitAtMs }),
    };
  };

  const observe = async (): Promise<UpdateStatus> => {
    const { committed, trying } = await store.bootVariables();
    const trial = trying === undefined ? undefined : await trialOf(trying, committed);
    const unsound = trial === undefined ? soundness?.faultOf(committed) : undefined;
    const unreadable = await whyUnreadable(trial === undefined || trial.interrupted ? committed : trial.revision);
    return {
      committed: { revision: committed, hash: (await store.hash(committed)) ?? '' },
      failures: await store.failures(),
      ...(trial === undefined ? {} : { trial }),
      ...(unreadable === undefined ? {} : { unreadable }),
      ...(unsound === undefined ? {} : { unsound }),
    };
  };

  const whyUnreadable = async (revision: string): Promise<string | undefined> => {
    try {
      await load(revision);
      return undefined;
    } catch (error) {
      if (error instanceof Rejection) return error.message;
      throw error;
    }
  };

  /** The first reason stays: a crash between two of these writes must not turn it into another. */
  const giveUp = async (failure: Failure): Promise<void> => {
    const recorded = (await store.failures())[failure.revision];
    const { status, message } = recorded?.hash === failure.hash ? recorded : failure;
    if (recorded?.hash !== failure.hash) await store.recordFailure(failure);
    await store.setProgress(failure.revision, progressOf(status, message));
  };

  return {
    kind: 'update',
    reconcile,
    watch: () => EMPTY,
    list: async () => [DEVICE],
    observe,
    // Reading gigabytes of objects takes what it takes.
    timeoutSeconds: { 'update.try': VERIFY_LIMIT_SECONDS },
    execute: {
      'update.try': ({ revision: { revision }, superseded }, signal) =>
        refusing('update.try', async () => {
          const loaded = await load(revision);
          const { hash, content } = loaded;
          const unsound = await soundness?.whyUnsound(loaded, signal);
          // What is on trial goes on: nothing better is there to take its place.
          if (unsound !== undefined)
            return giveUp({ revision, hash, status: 'WONTGO', message: MESSAGE.badObject, detail: unsound });
          if (superseded !== undefined) await giveUp(superseded);
          await store.install(revision, content);
          await store.setProgress(revision, progressOf('INPROGRESS', MESSAGE.transitioning));
          await ledger.put<TrialEntry>('update', DEVICE, { session, revision, startedAtMs: clock.nowMs() });
          await store.setTrying(revision);
          await store.setProgress(revision, progressOf('INPROGRESS', MESSAGE.trying));
          await store.setCurrent(revision);
        }),
      'update.test': ({ revision }) =>
        refusing('update.test', async () => {
          const entry = await ledger.get<TrialEntry>('update', DEVICE);
          if (entry === undefined) return;
          await store.setProgress(revision, progressOf('TESTING', MESSAGE.awaitingStable));
          const commitAtMs = clock.nowMs() + options.commitDelaySeconds * 1000;
          await ledger.put<TrialEntry>('update', DEVICE, { ...entry, commitAtMs });
        }),
      'update.commit': ({ revision }) =>
        refusing('update.commit', async () => {
          await store.commit(revision);
          await settleCommitted(store, revision);
          await ledger.remove('update', DEVICE);
        }),
      'update.rollBack': ({ failure }) =>
        refusing('update.rollBack', async () => {
          await giveUp(failure);
          await store.setTrying(undefined);
          await store.setCurrent((await store.bootVariables()).committed);
          await ledger.remove('update', DEVICE);
        }),
    },
  };
};

/** What follows from a commit; also what a start finds undone after a crash right behind it. */
export const settleCommitted = async (store: Store, revision: string): Promise<void> => {
  if ((await store.progress(revision))?.status === 'DONE') return;
  await store.setDone(revision);
  await store.setProgress(revision, progressOf('DONE', revision === '0' ? MESSAGE.factory : MESSAGE.done));
};

/** A document or trail that cannot be used is, for the loop, the device saying no. */
const refusing = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Rejection) throw new DeviceError(operation, DEVICE, 'EINVAL', error.message, { cause: error });
    throw error;
  }
};

/**
 * The update on the device: boot variables, progress and failures in the store, and the trial's times in the ledger.
 *
 * Order of writes, so that a crash between any two ends in old or new, whole: a trial's trail is complete before
 * `pv_try` names it, and only then its progress says INPROGRESS; a failure is on record before anything else of a
 * rollback, and `pv_try` is unset last; `pv_rev` moves in one write and only then the progress says DONE.
 */
import { EMPTY } from 'rxjs';
import { effectiveRevision } from '../reconcilers/desired/effective-revision.ts';
import type { Lifeline, Trial, UpdateStatus } from '../resources/kinds/update.ts';
import { MESSAGE, progressOf } from '../resources/progress.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { BspManifest } from '../resources/state-format/bsp-manifest.ts';
import type { CompiledState } from '../resources/state-format/compile.ts';
import { type Installed, transitionOf } from '../resources/state-format/transition.ts';
import {
  giveUp,
  isBeforeBoot,
  isSettled,
  LIFELINE,
  type LifelineEntry,
  REBOOT,
  settleCommitted,
  TRIAL,
  type TrialEntry,
  untold,
} from '../runtime/device/boot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import type { Ledger } from '../runtime/engine/ledger.ts';
import { unlessDamaged } from '../runtime/host/damage.ts';
import { type Clock, DeviceError } from '../runtime/host/host.ts';
import { Rejection } from '../runtime/store/rejection.ts';
import type { Store } from '../runtime/store/store.ts';
import type { TrailContent } from '../runtime/store/trails/trail.ts';

const DEVICE = 'device';
const VERIFY_LIMIT_SECONDS = 3_600;

/** A revision read from the store. */
export interface LoadedRevision {
  readonly revision: string;
  readonly hash: string;
  readonly content: TrailContent;
  readonly state: Installed & Pick<CompiledState, 'bsp'>;
}

export interface UpdateControllerOptions {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly reconcile: Reconciler<'update'>;
  /** Reads and compiles a revision; keeps it at hand. @throws Rejection with every problem of its document. */
  readonly load: (revision: string) => Promise<LoadedRevision>;
  /** undefined: it can be used. @throws DeviceError while it is not sure. */
  readonly whyUnreadable: (revision: string) => Promise<string | undefined>;
  /** Asked when a trial begins to be tested. */
  readonly commitDelaySeconds: () => number;
  readonly rebootTransitions: boolean;
  /** undefined: nothing is verified before it is tried. */
  readonly soundness?: {
    /** Why a revision must not be tried. */
    whyUnsound(revision: LoadedRevision, signal: AbortSignal): Promise<string | undefined>;
    /** What is wrong with the one that runs. */
    faultOf(revision: string): string | undefined;
  };
  /** What runs in place of a committed revision that cannot be used, for this reason; undefined: nothing can. */
  readonly standIn?: (committed: string, reason: string) => Promise<UpdateStatus['standIn']>;
  /** This daemon has read it. */
  readonly isLoaded?: (revision: string) => boolean;
  /** Differs for every start of the daemon. */
  readonly session: string;
  /** Puts what boots a revision where the boot loader finds it; undefined: there is no boot loader. @throws Rejection */
  readonly makeBootable?: (revision: string, bsp: BspManifest | undefined) => Promise<void>;
  /** Boots the device; resolves only when that was refused. */
  readonly reboot: (reason: string) => Promise<void>;
}

export const updateController = (options: UpdateControllerOptions): Controller<'update'> => {
  const { clock, ledger, store, reconcile, load, whyUnreadable, session, soundness } = options;

  const trialEntry = (): Promise<TrialEntry | undefined> => ledger.get<TrialEntry>('update', TRIAL);

  const trialOf = async (revision: string, fallback: string): Promise<Trial> => {
    const entry = await trialEntry();
    const hash = await hashOf(revision);
    if (entry?.revision !== revision) {
      return { revision, hash, fallback, startedAtMs: clock.nowMs(), interrupted: true };
    }
    const { startedAtMs, testedAtMs, commitAtMs, rebootFor, untried } = entry;
    // A trial that has not booted yet was not tried yet: whoever comes next goes on with it.
    const interrupted = entry.session !== session && !isBeforeBoot(entry);
    return {
      revision,
      hash,
      fallback,
      startedAtMs,
      interrupted,
      ...(testedAtMs === undefined ? {} : { testedAtMs }),
      ...(commitAtMs === undefined ? {} : { commitAtMs }),
      ...(rebootFor === undefined ? {} : { rebootFor }),
      ...(untried === undefined ? {} : { untried }),
    };
  };

  const reasonToReboot = async (trial: Trial | undefined): Promise<string | undefined> => {
    const entry = await trialEntry();
    if (trial !== undefined && !trial.interrupted && entry !== undefined && isBeforeBoot(entry)) return entry.rebootFor;
    return (await ledger.get<{ reason: string }>('update', REBOOT))?.reason;
  };

  const lifelineOf = async (committed: string): Promise<Lifeline | undefined> => {
    const entry = await ledger.get<LifelineEntry>('update', LIFELINE);
    return entry && { ...entry, factoryUsable: committed !== '0' && (await hasContainers('0')) };
  };
  const hasContainers = async (revision: string): Promise<boolean> => {
    if ((await whyUnreadable(revision)) !== undefined) return false;
    try {
      return (await load(revision)).content.files.some(({ path }) => path.endsWith('/run.json'));
    } catch (error) {
      if (error instanceof Rejection) return false; // the storage answers differently from one look to the next
      throw error;
    }
  };

  const observe = async (): Promise<UpdateStatus> => {
    const { committed, trying } = await store.bootVariables();
    const trial = trying === undefined ? undefined : await trialOf(trying, committed);
    const rebooting = await reasonToReboot(trial);
    const lifeline = trial === undefined ? await lifelineOf(committed) : undefined;
    const brokenBefore = trial === undefined && lifeline === undefined ? {} : await store.brokenBefore();
    const [unheard] = trial === undefined ? await untold(store) : [];
    const status: UpdateStatus = {
      committed: { revision: committed, hash: await hashOf(committed) },
      failures: await store.failures(),
      ...(Object.keys(brokenBefore).length === 0 ? {} : { brokenBefore }),
      ...((await isSettled(store, committed)) ? {} : { unsettled: true }),
      ...(unheard === undefined ? {} : { untold: unheard }),
      ...(trial === undefined ? {} : { trial }),
      ...(rebooting === undefined ? {} : { rebooting }),
      ...(lifeline === undefined ? {} : { lifeline }),
    };
    const standIn = await standInFor(status);
    const effective = effectiveRevision(standIn === undefined ? status : { ...status, standIn });
    const unreadable = await whyUnreadable(effective);
    const unsound = soundness?.faultOf(effective);
    return {
      ...status,
      ...(standIn === undefined ? {} : { standIn }),
      ...(unreadable === undefined ? {} : { unreadable }),
      ...(unsound === undefined ? {} : { unsound }),
    };
  };

  /** A revision that this daemon has read goes on, whatever becomes of its document. */
  const standInFor = async (status: UpdateStatus): Promise<UpdateStatus['standIn']> => {
    const { revision } = status.committed;
    if (options.standIn === undefined || effectiveRevision(status) !== revision) return undefined;
    if (status.trial?.revision === revision) return undefined;
    const reason = await whyUnreadable(revision);
    return reason === undefined || options.isLoaded?.(revision) ? undefined : options.standIn(revision, reason);
  };

  /** One that cannot be read has the hash of nothing. */
  const hashOf = async (revision: string): Promise<string> =>
    (await unlessDamaged(
      revision,
      () => undefined,
      () => store.hash(revision),
    )) ?? '';

  /**
   * Why going there needs a reboot: the first cause, and how many more there are. `from`: what it falls
   * back to, and what was booted.
   */
  const rebootNeed = async (
    from: readonly (string | undefined)[],
    next: LoadedRevision,
  ): Promise<string | undefined> => {
    if (!options.rebootTransitions) return undefined;
    for (const revision of from) {
      // Nothing of a revision that cannot be read runs, so nothing needs to be taken down for the next.
      if (revision === undefined || (await whyUnreadable(revision)) !== undefined) continue;
      const [first, ...more] = transitionOf((await load(revision)).state, next.state).causes;
      if (first !== undefined) return more.length === 0 ? first.reason : `${first.reason}, and ${more.length} more`;
    }
    return undefined;
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
      'update.try': ({ revision: { revision, byReboot }, fallback, brokenBefore, superseded }, signal) =>
        refusing('update.try', async () => {
          const loaded = await load(revision);
          const { hash, content } = loaded;
          const unsound = await soundness?.whyUnsound(loaded, signal);
          // What is on trial goes on: nothing better is there to take its place.
          if (unsound !== undefined)
            return giveUp(store, { revision, hash, status: 'WONTGO', message: MESSAGE.badObject, detail: unsound });
          if (superseded !== undefined) await giveUp(store, superseded);
          await store.install(revision, content);
          await options.makeBootable?.(revision, loaded.state.bsp);
          const running = await trialEntry();
          const need = await rebootNeed([fallback, running?.booted ? running.revision : undefined], loaded);
          const rebootFor = byReboot === true ? (need ?? 'a reboot was asked for') : need;
          // It was given up for something else, and is asked for again.
          await store.forgetFailure(revision);
          const entry: TrialEntry = { session, revision, startedAtMs: clock.nowMs() };
          await store.setBrokenBefore(brokenBefore);
          await ledger.put<TrialEntry>('update', TRIAL, rebootFor === undefined ? entry : { ...entry, rebootFor });
          await store.setTrying(revision, rebootFor === undefined);
          // Not before: without a trial nobody would ever take it back.
          const message = rebootFor === undefined ? MESSAGE.transitioning : MESSAGE.rebooting;
          await store.setProgress(revision, progressOf('INPROGRESS', message));
          if (rebootFor !== undefined) return;
          await store.setProgress(revision, progressOf('INPROGRESS', MESSAGE.trying));
          await store.setCurrent(revision);
        }),
      'update.test': ({ revision }) =>
        refusing('update.test', async () => {
          const entry = await trialEntry();
          if (entry === undefined) return;
          const message = entry.rebootFor === undefined ? MESSAGE.awaitingStable : MESSAGE.awaitingRollbackPoint;
          await store.setProgress(revision, progressOf('TESTING', message));
          const testedAtMs = clock.nowMs();
          const commitAtMs = testedAtMs + options.commitDelaySeconds() * 1000;
          await ledger.put<TrialEntry>('update', TRIAL, { ...entry, testedAtMs, commitAtMs });
        }),
      'update.commit': ({ revision }) =>
        refusing('update.commit', async () => {
          await store.commit(revision);
          await settleCommitted(store, ledger, revision);
          await ledger.remove('update', TRIAL);
        }),
      'update.rollBack': ({ failure }) =>
        refusing('update.rollBack', async () => {
          await giveUp(store, failure);
          const { committed, trying } = await store.bootVariables();
          const reason = `${failure.revision} was rolled back: ${failure.message}`;
          const needsReboot = (await trialEntry())?.booted === true;
          // Before the trial is forgotten: whoever comes next must know that what it starts has to prove itself.
          if (trying !== undefined) {
            await store.setRolledBack(reason);
            if (needsReboot) await ledger.put('update', REBOOT, { reason });
            else
              await ledger.put<LifelineEntry>('update', LIFELINE, {
                stage: 'verifying',
                reason,
                sinceMs: clock.nowMs(),
              });
          }
          await store.setCurrent(committed);
          // Last: what was not done by then is done again.
          await store.setTrying(undefined);
          await ledger.remove('update', TRIAL);
        }),
      // What is due stays on record: with the boot the ledger is gone, and without it the reboot is still due.
      'update.reboot': ({ reason }) => options.reboot(reason),
      'update.hold': ({ stage, reason }) =>
        refusing('update.hold', async () => {
          // It may never have been run, and then nothing of it is in its place.
          if (stage === 'factory') await store.heal('0', (await load('0')).content);
          if (stage !== 'none')
            return ledger.put<LifelineEntry>('update', LIFELINE, { stage, reason, sinceMs: clock.nowMs() });
          await store.setRolledBack(undefined);
          await store.setBrokenBefore({});
          await ledger.remove('update', LIFELINE);
        }),
    },
  };
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

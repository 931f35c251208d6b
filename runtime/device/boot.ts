/**
 * What outlives the daemon of an update: the boot script, which runs once per boot; what the ledger knows of a trial;
 * and the two ways in which one ends, each finished by the next start when it was cut off. It decides nothing.
 */

import type { Failure, Lifeline } from '../../resources/kinds/update.ts';
import { MESSAGE, progressOf } from '../../resources/progress.ts';
import type { BspManifest } from '../../resources/state-format/bsp-manifest.ts';
import type { Ledger } from '../engine/ledger.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import type { Store } from '../store/store.ts';

/** Sections of the ledger's `update` entries. */
export const TRIAL = 'device';
export const REBOOT = 'reboot';
export const LIFELINE = 'lifeline';
/** Its presence says that the boot script has run. */
export const BOOT = 'boot';

export interface TrialEntry {
  readonly session: string;
  readonly revision: string;
  readonly startedAtMs: number;
  readonly testedAtMs?: number;
  readonly commitAtMs?: number;
  readonly rebootFor?: string;
  /** The boot that a trial with `rebootFor` needs is behind it. */
  readonly booted?: boolean;
  /** Why the boot did not try it. */
  readonly untried?: string;
}

export const isBeforeBoot = ({ rebootFor, booted }: TrialEntry): boolean => rebootFor !== undefined && booted !== true;

export type LifelineEntry = Pick<Lifeline, 'stage' | 'reason' | 'sinceMs'>;

/** What a real boot loader did, and what it needs; in appengine mode the daemon plays its part. */
export interface BootEnvironment {
  /** The revision whose kernel and root file system run. */
  readonly booted: string;
  /** How far a revision came that the boot loader went back from: a sentence. */
  attemptOf(revision: string): Promise<string>;
  /** Leaves a note for the next boot: this one came as far as the daemon. */
  arrived(revision: string): Promise<void>;
  /** Puts what boots a revision where the boot loader finds it. @throws Rejection when it cannot be booted. */
  makeBootable(revision: string, bsp: BspManifest | undefined): Promise<void>;
}

export interface BootOptions {
  /** undefined: the daemon decides here what is booted. */
  readonly loader?: BootEnvironment;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly session: string;
  readonly onProblem: OnProblem;
}

type OnProblem = (subject: string, message: string) => void;

/**
 * A storage that takes no more, be it full or worn out, must not keep a device from running what is committed: what
 * only tells of it is written later. One that does not answer is no storage to start from. @returns whether it is written.
 */
const ifPossible = async (onProblem: OnProblem, write: () => Promise<void>): Promise<boolean> => {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code === 'TIMEOUT') throw error;
    onProblem('start', `goes on without a write that is not possible: ${error.message}`);
    return false;
  }
};

const UNMARKED = 'the boot could not mark it as tried, because the storage took nothing';

/**
 * What the boot script does, once per boot: the revision to be tried is tried exactly once; whatever
 * happens then, the next boot is the committed one.
 */
export const bootDevice = async (options: BootOptions): Promise<void> => {
  const { clock, ledger, store, session, onProblem, loader } = options;
  // The daemon was started again; the device was not.
  if ((await ledger.get('update', BOOT)) !== undefined) return;
  const { committed, trying, spent } = await store.bootVariables();
  const rolledBack = await store.rolledBack();
  // A device that was shut down and not switched off has still got the ledger of the boot before.
  for (const entry of [REBOOT, TRIAL, LIFELINE]) await ledger.remove('update', entry);
  // What cannot be marked as tried could be tried again and again: it is not tried, and rolled back.
  const isDue = trying !== undefined && (loader === undefined ? spent !== true : loader.booted === trying);
  if (loader !== undefined && loader.booted !== trying && loader.booted !== committed)
    onProblem('boot', `the boot loader started the BSP of revision ${loader.booted}, but ${committed} is committed`);
  if (isDue && !(await ifPossible(onProblem, () => store.setTrying(trying, true)))) {
    const entry = { session: '', revision: trying, startedAtMs: clock.nowMs(), untried: UNMARKED };
    await ledger.put<TrialEntry>('update', TRIAL, entry);
  } else if (isDue) {
    const entry = { session, revision: trying, startedAtMs: clock.nowMs(), rebootFor: 'it was booted', booted: true };
    await ledger.put<TrialEntry>('update', TRIAL, entry);
    await ifPossible(onProblem, () => store.setProgress(trying, progressOf('INPROGRESS', MESSAGE.trying)));
    await ifPossible(onProblem, () => store.setCurrent(trying));
    await ifPossible(onProblem, async () => loader?.arrived(trying));
  } else if (trying !== undefined && loader !== undefined) {
    const untried = `the boot loader went back to ${loader.booted}: ${await loader.attemptOf(trying)}`;
    await ledger.put<TrialEntry>('update', TRIAL, {
      session: '',
      revision: trying,
      startedAtMs: clock.nowMs(),
      untried,
    });
  } else if (rolledBack !== undefined) {
    await ledger.put<LifelineEntry>('update', LIFELINE, {
      stage: 'verifying',
      reason: rolledBack,
      sinceMs: clock.nowMs(),
    });
  }
  await ledger.put('update', BOOT, { atMs: clock.nowMs() });
};

/** A reboot is due from now on; to be looked at then. */
export const askForReboot = (ledger: Ledger, reason: string): Promise<void> => ledger.put('update', REBOOT, { reason });

/** Everything was taken down: the next start is a boot. */
export const endBoot = (ledger: Ledger): Promise<void> => ledger.remove('update', BOOT);

/**
 * Finishes what a crash cut off: what follows from a commit behind its decisive write, and the progress of what was
 * given up. What is on trial is the loop's business, as is a commit that cannot be finished now.
 */
export const settle = async ({ store, ledger, onProblem }: Omit<BootOptions, 'clock' | 'session'>): Promise<void> => {
  const { committed } = await store.bootVariables();
  await ifPossible(onProblem, () => settleCommitted(store, ledger, committed));
  for (const { revision, status, message } of await untold(store)) {
    await ifPossible(onProblem, () => store.setProgress(revision, progressOf(status, message)));
  }
};

/** Failures of which the progress of their revision does not tell. */
export const untold = async (store: Store): Promise<readonly Failure[]> => {
  const { committed, trying } = await store.bootVariables();
  const found: Failure[] = [];
  for (const failure of Object.values(await store.failures())) {
    const { revision, status } = failure;
    if (revision === trying || revision === committed) continue;
    if ((await store.progress(revision))?.status !== status) found.push(failure);
  }
  return found;
};

/** All that follows from its commit is written. */
export const isSettled = async (store: Store, committed: string): Promise<boolean> =>
  (await store.progress(committed))?.status === 'DONE';

/** `DONE` comes last: it says that all of it is. */
export const settleCommitted = async (store: Store, ledger: Ledger, revision: string): Promise<void> => {
  if (await isSettled(store, revision)) return;
  // What held the device up was about the revision before.
  await store.setRolledBack(undefined);
  await store.setBrokenBefore({});
  await ledger.remove('update', LIFELINE);
  await store.setCurrent(revision);
  await store.setDone(revision);
  await store.setProgress(revision, progressOf('DONE', revision === '0' ? MESSAGE.factory : MESSAGE.done));
};

/** The first reason stays: a crash between two of these writes must not turn it into another. */
export const giveUp = async (store: Store, failure: Failure): Promise<void> => {
  const recorded = (await store.failures())[failure.revision];
  const { status, message } = recorded?.hash === failure.hash ? recorded : failure;
  if (recorded?.hash !== failure.hash) await store.recordFailure(failure);
  await store.setProgress(failure.revision, progressOf(status, message));
};

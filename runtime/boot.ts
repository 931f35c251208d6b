/**
 * What outlives the daemon of an update: the boot script, which runs once per boot; what the ledger knows of a trial;
 * and the two ways in which one ends, each finished by the next start when it was cut off. It decides nothing.
 */
import { MESSAGE, progressOf } from '../resources/progress.ts';
import type { Failure, Lifeline } from '../resources/update.ts';
import type { Clock } from './host/host.ts';
import type { Ledger } from './ledger.ts';
import type { Store } from './store/store.ts';

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
}

export const isBeforeBoot = ({ rebootFor, booted }: TrialEntry): boolean => rebootFor !== undefined && booted !== true;

export type LifelineEntry = Pick<Lifeline, 'stage' | 'reason'>;

export interface BootOptions {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly session: string;
}

/**
 * What the boot script does, once per boot (updates.md §6.1): the revision to be tried is tried exactly once; whatever
 * happens then, the next boot is the committed one.
 */
export const bootDevice = async ({ clock, ledger, store, session }: BootOptions): Promise<void> => {
  // The daemon was started again; the device was not.
  if ((await ledger.get('update', BOOT)) !== undefined) return;
  const { trying, spent } = await store.bootVariables();
  const rolledBack = await store.rolledBack();
  // A device that was shut down and not switched off has still got the ledger of the boot before.
  for (const entry of [REBOOT, TRIAL, LIFELINE]) await ledger.remove('update', entry);
  if (trying !== undefined && spent !== true) {
    await store.setTrying(trying, true);
    const entry = { session, revision: trying, startedAtMs: clock.nowMs(), rebootFor: 'it was booted', booted: true };
    await ledger.put<TrialEntry>('update', TRIAL, entry);
    await store.setProgress(trying, progressOf('INPROGRESS', MESSAGE.trying));
    await store.setCurrent(trying);
  } else if (rolledBack !== undefined) {
    await ledger.put<LifelineEntry>('update', LIFELINE, { stage: 'verifying', reason: rolledBack });
  }
  await ledger.put('update', BOOT, { atMs: clock.nowMs() });
};

/** A reboot is due from now on; to be looked at then. */
export const askForReboot = (ledger: Ledger, reason: string): Promise<void> => ledger.put('update', REBOOT, { reason });

/** Everything was taken down: the next start is a boot. */
export const endBoot = (ledger: Ledger): Promise<void> => ledger.remove('update', BOOT);

/**
 * Finishes what a crash cut off: what follows from a commit behind its decisive write, and the progress of what was
 * given up. What is on trial is the loop's business.
 */
export const settle = async (store: Store, ledger: Ledger): Promise<void> => {
  const { committed, trying } = await store.bootVariables();
  await settleCommitted(store, ledger, committed);
  for (const { revision, status, message } of Object.values(await store.failures())) {
    if (revision === trying || (await store.progress(revision))?.status === status) continue;
    await store.setProgress(revision, progressOf(status, message));
  }
};

/** All that follows from its commit is written. */
export const isSettled = async (store: Store, committed: string): Promise<boolean> =>
  (await store.progress(committed))?.status === 'DONE';

/** `DONE` comes last: it says that all of it is. */
export const settleCommitted = async (store: Store, ledger: Ledger, revision: string): Promise<void> => {
  if (await isSettled(store, revision)) return;
  // What held the device up was about the revision before.
  await store.setRolledBack(undefined);
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

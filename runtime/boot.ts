/**
 * What a boot makes of an update: what the boot script of a bootloader does, once per boot, and what the ledger knows
 * of an update in between. Everything here happens before the loop runs, or outlives the daemon that wrote it.
 */
import { MESSAGE, progressOf } from '../resources/progress.ts';
import type { Lifeline } from '../resources/update.ts';
import type { Clock } from './host/host.ts';
import type { Ledger } from './ledger.ts';
import type { Store } from './store/store.ts';

/** Sections of the ledger's `update` entries. */
export const TRIAL = 'device';
export const REBOOT = 'reboot';
export const LIFELINE = 'lifeline';
const BOOT = 'boot';

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

/** Everything was taken down: the next start is a boot. */
export const endBoot = (ledger: Ledger): Promise<void> => ledger.remove('update', BOOT);

/** What follows from a commit; also what a start finds undone after a crash right behind it. `DONE` says that all of it is. */
export const settleCommitted = async (store: Store, ledger: Ledger, revision: string): Promise<void> => {
  if ((await store.progress(revision))?.status === 'DONE') return;
  // What held the device up was about the revision before.
  await store.setRolledBack(undefined);
  await ledger.remove('update', LIFELINE);
  await store.setDone(revision);
  await store.setProgress(revision, progressOf('DONE', revision === '0' ? MESSAGE.factory : MESSAGE.done));
};

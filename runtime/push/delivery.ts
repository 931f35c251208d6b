/**
 * A document becomes a revision, and the device is told to run it: the same for whoever brings it, and however.
 *
 *   document ─► sound? ─► installed ─► (run) nothing missing? failed before? busy? ─► begun ─► (wait) DONE, ERROR, …
 */
import {
  auditTime,
  concat,
  concatMap,
  filter,
  firstValueFrom,
  fromEvent,
  merge,
  of,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { isFinal } from '../../resources/progress.ts';
import type { InstallOutcome } from '../api/step-endpoints.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import type { PushPort } from './push-port.ts';

export interface Delivery {
  readonly revision: string;
  readonly document: Uint8Array;
  /** Who brings it, for people. */
  readonly from: string;
  readonly message?: string | undefined;
  /** undefined: it is not run. `retry`: also if this content failed before. */
  readonly run?: { readonly retry: boolean } | undefined;
}

export type Delivered =
  | {
      readonly is: 'installed' | 'begun';
      readonly hash: string;
      readonly missing: readonly string[];
      readonly isNew: boolean;
    }
  | { readonly is: 'invalid'; readonly problems: readonly string[] }
  | { readonly is: 'missing objects'; readonly missing: readonly string[] }
  | { readonly is: 'failed before' | 'busy' | 'refused'; readonly message: string }
  | { readonly is: 'not installed'; readonly why: Exclude<InstallOutcome, 'installed'> };

export type Accepted = Extract<Delivered, { is: 'installed' | 'begun' }>;

export const UPDATING = 'Cannot do this operation while update is ongoing';

/** What is stored as it is keeps what is known of it, its failure too. */
const install = async (
  { states }: PushPort,
  { revision, document, message }: Delivery,
  hasFailed: boolean,
): Promise<InstallOutcome> => {
  const stored = hasFailed ? await states.document(revision) : undefined;
  if (stored !== undefined && Buffer.compare(stored, document) === 0) return 'installed';
  const outcome = await states.install(revision, document);
  if (outcome === 'installed' && message !== undefined) await states.setCommitMessage(revision, message);
  return outcome;
};

/** @throws DeviceError */
export const deliver = async (port: PushPort, delivery: Delivery): Promise<Delivered> => {
  const { revision, document, run, from } = delivery;
  const { states } = port;
  const judged = await states.judge(revision, document);
  if (!judged.ok) return { is: 'invalid', problems: judged.problems };
  if (run !== undefined && port.run.isUpdating()) return { is: 'busy', message: UPDATING };
  const { hash } = judged;
  const isNew = (await states.hash(revision)) === undefined;
  const failure = await states.failure(hash);
  const outcome = await install(port, delivery, failure !== undefined);
  if (outcome !== 'installed') return { is: 'not installed', why: outcome };
  const missing = await states.missing(judged.objects);
  if (run === undefined) return { is: 'installed', hash, missing, isNew };

  if (missing.length > 0) return { is: 'missing objects', missing };
  if (failure !== undefined && !run.retry)
    return { is: 'failed before', message: `This content failed before: ${failure.message}: ${failure.detail}` };
  const begun = await port.run.begin(revision, from);
  return begun.is === 'begun' ? { is: 'begun', hash, missing, isNew } : begun;
};

const LOOK_EVERY_MS = 100;

export interface Waiting {
  readonly limitMs: number;
  /** Ends the waiting. */
  readonly gone: AbortSignal;
  /** Told how it fares, first and at every change. */
  readonly onReport?: (report: ProgressReport) => void;
}

/**
 * How a revision fares when it is over with it, or the time is, or nobody waits any more. undefined: there is no such
 * revision. @throws DeviceError
 */
export const awaitEnd = async (
  { states, run, changes }: PushPort,
  revision: string,
  { limitMs, gone, onReport = () => undefined }: Waiting,
): Promise<ProgressReport | undefined> => {
  let last: ProgressReport | undefined;
  const tell = (report: ProgressReport | undefined): void => {
    if (report !== undefined && JSON.stringify(report) !== JSON.stringify(last)) onReport(report);
    last = report ?? last;
  };
  // Until the update with it is over, nothing else can be run. What came after it may have had it collected.
  const isEnd = (report: ProgressReport | undefined): boolean =>
    report === undefined || (isFinal(report.progress) && !run.isUpdating(revision));
  // The connection ends with a boot: the client is told before, and comes back.
  const boots = changes.pipe(filter(run.isRebooting));
  const ends = merge(timer(limitMs), boots, gone.aborted ? of(0) : fromEvent(gone, 'abort'));
  const looks = concat(of(0), changes.pipe(auditTime(LOOK_EVERY_MS)));
  const over = looks.pipe(
    concatMap(() => states.report(revision)),
    tap(tell),
    filter(isEnd),
    takeUntil(ends),
  );
  await firstValueFrom(over, { defaultValue: undefined });
  return (await states.report(revision)) ?? last;
};

/**
 * The watched directory as a source of desired state.
 *
 * In: files dropped into it (`<name>.json`, `<name>.tgz`, …), objects beside them in `objects/`, and reports on how the
 * revisions fare. Out: proposals, each emitted once everything it needs is in the store, and `<name>.status.json`
 * beside every drop.
 * Level-triggered: any event means "look again"; what matters is what lies there then. A file that may be half-written
 * is judged when it has been left alone for a while; a newer drop supersedes older ones that are not running yet.
 * It never changes what runs, never deletes a drop, and has no timer while nothing is unsettled.
 */
import { merge, Observable, type Subscription } from 'rxjs';
import type { Identity, UpdateSpec } from '../../../resources/kinds/update.ts';
import { type Clock, DeviceError, type Files } from '../../host/host.ts';
import type { Store } from '../../store/store.ts';
import type { Read } from './examine-drop.ts';
import { openStatusFiles, type ProgressReport } from './status-file.ts';
import { Watching } from './watcher.ts';

/** A revision that somebody wants to be run; it is in the store, with all its objects. */
export interface Proposal extends UpdateSpec {
  /** The drop's name in the directory. */
  readonly file: string;
}

export interface IncomingOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly store: Store;
  /** `PV_WATCH_DIR`; created when missing. */
  readonly directory: string;
  readonly read: Read;
  /** A drop became this revision, now or before a restart: reports on it are wanted. */
  readonly onPlaced?: (revision: Identity) => void;
  /** How long a file that cannot be read must be left alone before it counts as broken; default 500 ms. */
  readonly settleMs?: number;
  readonly onProblem?: (subject: string, message: string) => void;
}

export interface Incoming {
  /** Looks at the directory while it is subscribed to (once). Errors are bugs. */
  readonly proposals: Observable<Proposal>;
  /** Tells whoever dropped this revision how it fares. Revisions from elsewhere are ignored. */
  report(revision: string, report: ProgressReport): Promise<void>;
}

const RETRY_MS = 30_000;

export const incoming = (options: IncomingOptions): Incoming => {
  const { files, clock, directory, onProblem = () => undefined } = options;
  const statusFiles = openStatusFiles(files, clock, directory);
  let propose: (proposal: Proposal) => void = () => undefined;
  const watching = new Watching({ ...options, statusFiles, propose: (proposal) => propose(proposal) });

  /** The directory itself cannot be looked at or written to: says so, and when to try again. */
  const attempt = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem(directory, error.message);
      return otherwise;
    }
  };
  const look = async (): Promise<number | undefined> =>
    attempt(async () => {
      await files.makeDirectory(directory, 0o755);
      return await watching.look();
    }, clock.nowMs() + RETRY_MS);

  return {
    proposals: new Observable((subscriber) => {
      propose = (proposal) => subscriber.next(proposal);
      return repeatedly(
        clock,
        look,
        (error) => subscriber.error(error),
        (wake) => watchBoth(options, wake, onProblem),
      );
    }),
    report: (revision, report) => attempt(() => watching.report(revision, report), undefined),
  };
};

/**
 * Runs `look` when `watch` wakes it and at the times it asks for, never twice at once; a wake during a run is
 * remembered. Returns how to stop.
 */
const repeatedly = (
  clock: Clock,
  look: () => Promise<number | undefined>,
  onBug: (error: unknown) => void,
  watch: (wake: () => void) => () => void,
): (() => void) => {
  let isBusy = false;
  let again = false;
  let isStopped = false;
  let cancelTimer = (): void => undefined;

  const run = async (): Promise<void> => {
    cancelTimer();
    let atMs: number | undefined;
    isBusy = true;
    try {
      do {
        again = false;
        atMs = await look();
      } while (again && !isStopped);
    } finally {
      isBusy = false;
    }
    if (atMs !== undefined && !isStopped) cancelTimer = clock.schedule(atMs, wake);
  };
  const wake = (): void => {
    again = true;
    if (!isBusy && !isStopped) run().catch(onBug);
  };
  const unwatch = watch(wake);
  wake();
  return () => {
    isStopped = true;
    cancelTimer();
    unwatch();
  };
};

/** Both directories; where a watch cannot be had, it is asked for again after a while. */
const watchBoth = (
  { files, clock, directory }: IncomingOptions,
  wake: () => void,
  onProblem: (subject: string, message: string) => void,
): (() => void) => {
  let cancelTimer = (): void => undefined;
  let subscription: Subscription | undefined;
  const follow = (): void => {
    subscription = merge(files.watch(directory), files.watch(`${directory}/objects`)).subscribe({
      next: wake,
      error: (error: unknown) => {
        onProblem(directory, `cannot be watched: ${error instanceof Error ? error.message : String(error)}`);
        cancelTimer = clock.schedule(clock.nowMs() + RETRY_MS, () => {
          follow();
          wake();
        });
      },
    });
  };
  follow();
  return () => {
    cancelTimer();
    subscription?.unsubscribe();
  };
};

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
import { startJob } from '../../engine/job.ts';
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

/** A watch that cannot be had, say because the kernel has no more of them, is asked for again after this long. */
const WATCH_AGAIN_MS = 30_000;

export const incoming = (options: IncomingOptions): Incoming => {
  const { files, clock, directory, onProblem = () => undefined } = options;
  const statusFiles = openStatusFiles(files, clock, directory);
  let propose: (proposal: Proposal) => void = () => undefined;
  const watching = new Watching({ ...options, statusFiles, propose: (proposal) => propose(proposal) });

  return {
    proposals: new Observable((subscriber) => {
      propose = (proposal) => subscriber.next(proposal);
      const watch = watchOn(options, () => job.run());
      const job = startJob({
        name: directory,
        clock,
        work: async () => {
          const watchAgainMs = watch.renew();
          await files.makeDirectory(directory, 0o755);
          const lookAgainMs = await watching.look();
          const times = [watchAgainMs, lookAgainMs].filter((atMs) => atMs !== undefined);
          return times.length === 0 ? undefined : Math.min(...times);
        },
        onProblem: (message) => onProblem(directory, message),
        onBug: (error) => subscriber.error(error),
      });
      job.run();
      return () => {
        watch.stop();
        job.stop();
      };
    }),
    report: async (revision, report) => {
      try {
        await watching.report(revision, report);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        onProblem(directory, error.message);
      }
    },
  };
};

/** Watches the directory and the objects in it. */
const watchOn = (
  { files, clock, directory, onProblem = () => undefined }: IncomingOptions,
  wake: () => void,
): { renew(): number | undefined; stop(): void } => {
  let subscription: Subscription | undefined;
  let againAtMs: number | undefined;
  const follow = (): void => {
    againAtMs = undefined;
    subscription = merge(files.watch(directory), files.watch(`${directory}/objects`)).subscribe({
      next: wake,
      error: (error: unknown) => {
        onProblem(directory, `cannot be watched: ${error instanceof Error ? error.message : String(error)}`);
        againAtMs = clock.nowMs() + WATCH_AGAIN_MS;
        wake();
      },
    });
  };
  return {
    /** Watches again where that failed and is due. @returns when it is due; undefined: it watches */
    renew: () => {
      if (subscription === undefined || (againAtMs !== undefined && clock.nowMs() >= againAtMs)) follow();
      return againAtMs;
    },
    stop: () => subscription?.unsubscribe(),
  };
};

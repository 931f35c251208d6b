/** Begins and ends the log of each update as it is tried and settled, and puts it into the update's progress. */
import { distinctUntilChanged, map, type Observable, type Subscription, scan } from 'rxjs';
import type { Status } from '../../resources/catalog.ts';
import { UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import { nameOf, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { inTurn } from '../engine/in-turn.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';
import type { UpdateLog } from '../logging/update-log.ts';
import type { Store } from '../store/store.ts';

export interface UpdateLoggingOptions {
  readonly snapshots: Observable<Snapshot>;
  readonly log: UpdateLog;
  /** Resolves when everything that a container has printed by now has reached the log. @param startedIn its revision. */
  readonly readToEnd: (container: string, startedIn: string) => Promise<void>;
  readonly store: Pick<Store, 'progress' | 'setProgress'>;
  readonly clock: Clock;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** A container that does not end its log must not keep an update from its end. */
const READ_LIMIT_SECONDS = 5;
/** What is said of the end is on its way to the log when the end is seen. */
const LAST_WORDS_MS = 500;

export const followUpdates = (options: UpdateLoggingOptions): Subscription => {
  const { snapshots, log, readToEnd, store, clock, onProblem, onBug } = options;
  const turn = inTurn();
  let trial: string | undefined;
  let isFirst = true;

  const publish = async (revision: string, logs: string | undefined): Promise<void> => {
    const progress = logs === undefined ? undefined : await store.progress(revision);
    if (progress !== undefined && logs !== undefined && progress.logs !== logs)
      await store.setProgress(revision, { ...progress, logs });
  };
  const lastWords = (): Promise<void> =>
    new Promise((resolve) => clock.schedule(clock.nowMs() + LAST_WORDS_MS, resolve));
  const end = async (revision: string): Promise<void> => {
    await lastWords();
    await publish(revision, await log.end());
  };
  /** Those that were settled while, or right before, the daemon before this one died. */
  const finishOthers = async ({ committed, failures }: UpdateStatus): Promise<void> => {
    for (const revision of [committed.revision, ...Object.keys(failures)])
      if (revision !== trial) await publish(revision, await log.finish(revision));
  };
  const follow = async (status: UpdateStatus): Promise<void> => {
    const next = status.trial?.revision;
    if (trial !== undefined && next !== trial) await end(trial);
    if (next !== undefined && next !== trial) await log.begin(next);
    trial = next;
    if (isFirst) await finishOthers(status);
    isFirst = false;
  };
  const inOrder = (work: () => Promise<void>): void => {
    const done = turn(work).catch((error: unknown) => {
      if (!(error instanceof DeviceError)) throw error;
      onProblem('logs of the update', error.message);
    });
    done.catch(onBug);
  };
  /** Before the end of the update, which the crash may bring about, is worked on. */
  const crashed = ({ name, revision }: Crash): void =>
    inOrder(async () => {
      if (revision !== trial) return;
      await inTime(clock, READ_LIMIT_SECONDS, 'read console', name, () => readToEnd(name, revision));
      await log.crashed(name);
    });

  const subscription = snapshots.pipe(pairwiseCrashes()).subscribe((crashes) => crashes.forEach(crashed));
  subscription.add(
    snapshots
      .pipe(
        map((snapshot) => resourceIn(snapshot, UPDATE).status),
        distinctUntilChanged(),
      )
      .subscribe((status) => {
        if (status !== undefined) inOrder(() => follow(status));
      }),
  );
  return subscription;
};

interface Crash {
  readonly name: string;
  /** That it was started in. */
  readonly revision: string;
}

const exitOf = (status: Status | undefined): string | undefined =>
  status !== undefined && 'phase' in status && status.phase === 'exited' && status.run.stopRequestedAtMs === undefined
    ? `${status.revision} ${status.exitedAtMs}`
    : undefined;

/** Containers that ended although nobody stopped them, once for each end. */
const pairwiseCrashes =
  () =>
  (snapshots: Observable<Snapshot>): Observable<readonly Crash[]> =>
    snapshots.pipe(
      scan(({ after: before }, { observed: after }) => ({ before, after }), { before: {}, after: {} } as Readonly<
        Record<'before' | 'after', Snapshot['observed']>
      >),
      map(({ before, after }) =>
        (Object.keys(after) as Ref[]).flatMap((ref) => {
          const status = after[ref];
          if (status === before[ref] || exitOf(status) === undefined || exitOf(status) === exitOf(before[ref]))
            return [];
          return [{ name: nameOf(ref), revision: (status as Status<'container'>).revision }];
        }),
      ),
    );

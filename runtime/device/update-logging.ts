/** Begins and ends the log of each update as it is tried and settled, and puts it into the update's progress. */
import { distinctUntilChanged, map, type Observable, type Subscription } from 'rxjs';
import { UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { inTurn } from '../engine/in-turn.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import type { UpdateLog } from '../logging/update-log.ts';
import type { Store } from '../store/store.ts';

export interface UpdateLoggingOptions {
  readonly snapshots: Observable<Snapshot>;
  readonly log: UpdateLog;
  readonly store: Pick<Store, 'progress' | 'setProgress'>;
  readonly clock: Clock;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** What is said of the end is on its way to the log when the end is seen. */
const LAST_WORDS_MS = 500;

export const followUpdates = (options: UpdateLoggingOptions): Subscription => {
  const { snapshots, log, store, clock, onProblem, onBug } = options;
  const turn = inTurn();
  let trial: string | undefined;
  let isFirst = true;

  const publish = async (revision: string, logs: string | undefined): Promise<void> => {
    const progress = logs === undefined ? undefined : await store.progress(revision);
    if (progress !== undefined && logs !== undefined) await store.setProgress(revision, { ...progress, logs });
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
  const followed = (status: UpdateStatus): Promise<void> =>
    turn(() => follow(status)).catch((error: unknown) => {
      if (!(error instanceof DeviceError)) throw error;
      onProblem('logs of the update', error.message);
    });

  return snapshots
    .pipe(
      map((snapshot) => resourceIn(snapshot, UPDATE).status),
      distinctUntilChanged(),
    )
    .subscribe((status) => {
      if (status !== undefined) followed(status).catch(onBug);
    });
};

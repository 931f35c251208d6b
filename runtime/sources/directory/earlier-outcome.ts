/** What an earlier run of the daemon made of a drop, from the status file beside it. */
import { isFinal, type Progress } from '../../../resources/progress.ts';
import type { Store } from '../../store/store.ts';
import { isRevision } from '../../store/trails/revision.ts';
import type { Drop, Outcome } from './drop.ts';
import type { DropStatus, ProgressReport, StatusFiles } from './status-file.ts';

const progressIn = (status: DropStatus): Progress => ({
  status: status.status,
  'status-msg': status['status-msg'],
  progress: status.progress,
  retries: 0,
});

/** `isCertain`: the file was not written to since; else it is about this drop only if the content is the same. */
export interface Recalled {
  readonly outcome: Outcome | undefined;
  readonly untold: ProgressReport | undefined;
  readonly isCertain: boolean;
}

/**
 * What the status file beside a drop says of it, so that it is not unpacked, let alone proposed, at every start. What
 * ended on another storage has not ended on this one; what was collected since has.
 * `untold`: its end, if the store knows it and the daemon could not write it beside the drop any more: begun again, it
 *   would undo what came after it.
 */
export const recall = async (drop: Drop, statusFiles: StatusFiles, store: Store): Promise<Recalled | undefined> => {
  const status = await statusFiles.read(drop.name);
  if (status === undefined) return undefined;
  const { source, revision, hash } = status;
  if (
    source.file !== drop.file ||
    source.sizeBytes !== drop.stat.sizeBytes ||
    source.modifiedMs !== drop.stat.modifiedMs
  )
    return undefined;
  const isStored = revision !== undefined && (await storedHash(store, revision)) === hash;
  const told = progressIn(status);
  const untold = isStored && !isFinal(told) ? await endOf(store, revision) : undefined;
  if (!isFinal(untold?.progress ?? told) || !isOfThis(store, status, isStored)) return undefined;
  return {
    outcome: hash === undefined ? undefined : { hash, revision, isFinal: true, untold },
    untold,
    isCertain: source.changedMs === drop.stat.changedMs,
  };
};

/** Where a status does not say which storage it is about, one that is DONE must still be there. */
const isOfThis = ({ identity }: Store, { storage, status }: DropStatus, isStored: boolean): boolean =>
  storage === undefined || identity === undefined ? status !== 'DONE' || isStored : storage === identity;

const endOf = async (store: Store, revision: string): Promise<ProgressReport | undefined> => {
  const progress = await store.progress(revision);
  if (progress === undefined || !isFinal(progress)) return undefined;
  const reason = (await store.failures())[revision]?.detail;
  return { progress, ...(reason !== undefined && { reason }) };
};

const storedHash = (store: Store, revision: string): Promise<string | undefined> =>
  isRevision(revision) ? store.hash(revision) : Promise.resolve(undefined);

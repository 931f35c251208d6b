/** What an earlier run of the daemon made of a drop, from the status file beside it. */
import { isFinal, type Progress } from '../../../resources/progress.ts';
import type { Store } from '../../store/store.ts';
import { isRevision } from '../../store/trails/revision.ts';
import type { Drop } from './drop.ts';
import type { DropStatus, ProgressReport, StatusFiles } from './status-file.ts';

const progressIn = (status: DropStatus): Progress => ({
  status: status.status,
  'status-msg': status['status-msg'],
  progress: status.progress,
  retries: 0,
});

/**
 * Marks a drop as judged if its status file says so of this very file: it is not unpacked, let alone proposed, at
 * every start. What ended on another storage has not ended on this one; what was collected since has.
 * @returns its end, if the store knows it and the daemon could not write it beside the drop any more: begun again, it
 *   would undo what came after it.
 */
export const seenBefore = async (
  drop: Drop,
  statusFiles: StatusFiles,
  store: Store,
): Promise<ProgressReport | undefined> => {
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
  drop.phase = { is: 'judged' };
  drop.isFinal = true;
  if (revision !== undefined) drop.revision = revision;
  if (hash !== undefined) drop.hash = hash;
  return untold;
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

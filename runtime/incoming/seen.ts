/** What an earlier run of the daemon made of a drop, from the status file beside it. */
import { isFinal, type Progress } from '../../resources/progress.ts';
import { isRevision } from '../store/revision.ts';
import type { Store } from '../store/store.ts';
import type { Drop } from './drop.ts';
import type { DropStatus, StatusFiles } from './status-file.ts';

const progressIn = (status: DropStatus): Progress => ({
  status: status.status,
  'status-msg': status['status-msg'],
  progress: status.progress,
  retries: 0,
});

/**
 * Marks a drop as judged if its status file says so of this very file: it is not unpacked, let alone proposed, at
 * every start. One that is DONE must still be in the store, else the storage is another one.
 */
export const seenBefore = async (drop: Drop, statusFiles: StatusFiles, store: Store): Promise<void> => {
  const status = await statusFiles.read(drop.name);
  if (status === undefined || !isFinal(progressIn(status))) return;
  const { source, revision, hash } = status;
  if (
    source.file !== drop.file ||
    source.sizeBytes !== drop.stat.sizeBytes ||
    source.modifiedMs !== drop.stat.modifiedMs
  )
    return;
  if (status.status === 'DONE' && (revision === undefined || (await storedHash(store, revision)) !== hash)) return;
  drop.phase = { is: 'judged' };
  drop.isFinal = true;
  if (revision !== undefined) drop.revision = revision;
  if (hash !== undefined) drop.hash = hash;
};

const storedHash = (store: Store, revision: string): Promise<string | undefined> =>
  isRevision(revision) ? store.hash(revision) : Promise.resolve(undefined);

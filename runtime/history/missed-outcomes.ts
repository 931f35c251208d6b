/**
 * Outcomes that a daemon brought about and died before it could write down, read off the storage by the next one. Pure.
 */
import { UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Entry } from './history-entry.ts';
import type { Note } from './recorder.ts';

const DIED = 'the daemon ended before it could tell';
const BEFORE = 'before this history began';

export const missedOutcomes = (recent: readonly Entry[], { committed, trial, failures }: UpdateStatus): Note[] => {
  const told = recent.filter(({ kind, action }) => kind === 'done' && action?.startsWith('update.'));
  const lastCommitted = told.findLast(({ action }) => action === 'update.commit')?.about;
  const latest = told.at(-1);
  const open = latest?.action === 'update.try' || latest?.action === 'update.test' ? latest : undefined;
  const because = latest === undefined ? [] : [latest.id];
  const missed: Note[] = [];
  if (lastCommitted !== committed.revision) {
    const reason = latest === undefined ? BEFORE : DIED;
    const about = committed.revision;
    missed.push({ kind: 'done', action: 'update.commit', ref: UPDATE, about, reason, because });
  }
  const failure = open?.about === undefined ? undefined : failures[open.about];
  if (failure === undefined || failure.revision === trial?.revision || failure.revision === committed.revision) {
    return missed;
  }
  const { revision: about, status: code, message, detail } = failure;
  const reason = `${message}: ${detail}`;
  missed.push({ kind: 'done', action: 'update.rollBack', ref: UPDATE, about, code, reason, because });
  return missed;
};

/** What became of every revision, told from the history. Pure. */
import { UPDATE } from '../../resources/kinds/update.ts';
import type { Entry } from './history-entry.ts';

/** One attempt: a revision that is proposed again has another. */
export interface RevisionRecord {
  readonly revision: string;
  /** Who proposed it; null: not known, e.g. because that was long ago. */
  readonly from: string | null;
  /** Wall clock, ISO 8601. */
  readonly proposedAt: string | null;
  readonly triedAt: string | null;
  /** When every goal was reached. */
  readonly testedAt: string | null;
  readonly endedAt: string | null;
  readonly outcome: 'proposed' | 'refused' | 'trying' | 'testing' | 'committed' | 'given-up';
  readonly reason: string;
  /** Between the times above; null: that phase did not end. */
  readonly phases: {
    readonly waitingMs: number | null;
    readonly startingMs: number | null;
    readonly testingMs: number | null;
  };
}

interface Attempt {
  revision: string;
  proposed?: Entry;
  tried?: Entry;
  tested?: Entry;
  ended?: Entry;
  outcome: RevisionRecord['outcome'];
  reason: string;
}

/** Newest first. */
export const revisionRecords = (entries: readonly Entry[]): readonly RevisionRecord[] => {
  const attempts: Attempt[] = [];
  const openFor = (revision: string): Attempt => {
    const open = attempts.findLast((attempt) => attempt.revision === revision && attempt.ended === undefined);
    if (open !== undefined) return open;
    const fresh: Attempt = { revision, outcome: 'proposed', reason: '' };
    attempts.push(fresh);
    return fresh;
  };
  for (const entry of entries) {
    if (entry.kind === 'proposed' && entry.about !== undefined) {
      attempts.push({ revision: entry.about, proposed: entry, outcome: 'proposed', reason: '' });
    } else if (entry.ref === UPDATE && entry.kind === 'stalled') refuse(attempts, entry);
    else if (entry.kind === 'done' && entry.about !== undefined) {
      if (entry.action === 'update.try') {
        supersede(attempts, entry);
        reopen(attempts, entry);
      }
      if (entry.action === 'update.rollBack' && isTold(attempts, entry)) continue;
      advance(openFor(entry.about), entry);
    }
  }
  return attempts.map(recordOf).reverse();
};

const refuse = (attempts: readonly Attempt[], entry: Entry): void => {
  const latest = attempts.at(-1);
  if (latest?.outcome !== 'proposed') return;
  Object.assign(latest, { ended: entry, outcome: 'refused', reason: entry.reason });
};

/**
 * A proposal that is tried was not refused: the refusal was of the one before it, of the same content, and was told when
 * this one had been made.
 */
const reopen = (attempts: Attempt[], { about }: Entry): void => {
  const latest = attempts.at(-1);
  if (latest?.revision !== about || latest?.outcome !== 'refused') return;
  const { ended: _, ...open } = latest;
  attempts[attempts.length - 1] = { ...open, outcome: 'proposed', reason: '' };
};

/** What could not be written everywhere is written again. */
const isTold = (attempts: readonly Attempt[], { about, reason }: Entry): boolean => {
  const latest = attempts.findLast(({ revision }) => revision === about);
  return latest?.ended !== undefined && latest.outcome === 'given-up' && latest.reason === reason;
};

/** A trial that another one takes the place of is over. */
const supersede = (attempts: readonly Attempt[], entry: Entry): void => {
  const open = attempts.find(({ tried, ended }) => tried !== undefined && ended === undefined);
  if (open === undefined || open.revision === entry.about) return;
  Object.assign(open, { ended: entry, outcome: 'given-up', reason: entry.reason });
};

const advance = (attempt: Attempt, entry: Entry): void => {
  switch (entry.action) {
    case 'update.try':
      Object.assign(attempt, { tried: entry, outcome: 'trying' });
      return;
    case 'update.test':
      Object.assign(attempt, { tested: entry, outcome: 'testing' });
      return;
    case 'update.commit':
      Object.assign(attempt, { ended: entry, outcome: 'committed', reason: entry.reason });
      return;
    case 'update.rollBack':
      Object.assign(attempt, { ended: entry, outcome: 'given-up', reason: entry.reason });
      return;
    default:
      return;
  }
};

const recordOf = ({ revision, proposed, tried, tested, ended, outcome, reason }: Attempt): RevisionRecord => ({
  revision,
  from: proposed?.from ?? null,
  proposedAt: proposed?.time ?? null,
  triedAt: tried?.time ?? null,
  testedAt: tested?.time ?? null,
  endedAt: ended?.time ?? null,
  outcome,
  reason,
  phases: {
    waitingMs: between(proposed, tried),
    startingMs: between(tried, tested ?? ended),
    testingMs: between(tested, ended),
  },
});

const between = (from: Entry | undefined, to: Entry | undefined): number | null => {
  if (from === undefined || to === undefined) return null;
  // The wall clock may have been set in between; across boots there is nothing better.
  const elapsedMs = from.boot === to.boot ? to.atMs - from.atMs : Date.parse(to.time) - Date.parse(from.time);
  return Math.max(0, Math.round(elapsedMs));
};

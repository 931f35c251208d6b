/** Outcomes of proposals as progress, the words that Pantavisor's clients compare. Pure. */
import { outcomeOf } from '../../reconcilers/desired/outcome.ts';
import { type Failure, UPDATE } from '../../resources/kinds/update.ts';
import { MESSAGE, progressOf } from '../../resources/progress.ts';
import type { Outcome } from '../../resources/proposal.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';

/** undefined: the device has not begun with it, so there is nothing to report yet. */
export const reportOf = (outcome: Outcome): ProgressReport | undefined => {
  switch (outcome.is) {
    case 'accepted':
      return undefined;
    case 'refused': {
      const { failure, reason } = outcome;
      return failure === undefined ? { progress: progressOf('NEW', MESSAGE.readyToRun), reason } : failed(failure);
    }
    case 'superseded':
      return {
        progress: progressOf('CANCELLED', MESSAGE.superseded),
        reason: `superseded by ${outcome.by.spec.revision}`,
      };
    case 'trying':
      return { progress: progressOf('INPROGRESS', MESSAGE.trying), waitingOn: outcome.waitingOn };
    case 'testing':
      return { progress: progressOf('TESTING', MESSAGE.awaitingStable), waitingOn: outcome.waitingOn };
    case 'done':
      return { progress: progressOf('DONE', MESSAGE.done) };
    case 'rolled back':
      return failed(outcome.failure);
    default:
      return outcome satisfies never;
  }
};

const failed = ({ status, message, detail }: Failure): ProgressReport => ({
  progress: progressOf(status, message),
  reason: detail,
});

/** The progress of every revision that the update knows of. */
export const reportsIn = (snapshot: Snapshot): ReadonlyMap<string, ProgressReport> => {
  const reports = new Map<string, ProgressReport>();
  const { status } = resourceIn(snapshot, UPDATE);
  if (status === undefined) return reports;
  const { failures, committed, trial } = status;
  for (const { revision, hash } of [...Object.values(failures), committed, ...(trial === undefined ? [] : [trial])]) {
    const outcome = outcomeOf({ revision, hash, begun: false }, undefined, snapshot);
    const report = outcome && reportOf(outcome);
    if (report !== undefined) reports.set(revision, report);
  }
  return reports;
};

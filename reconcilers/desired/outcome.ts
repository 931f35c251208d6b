/** What becomes of a revision that was proposed, read off one snapshot. Pure. */

import { type Failure, failedBefore, type Identity, isSameRevision, UPDATE } from '../../resources/kinds/update.ts';
import type { Outcome, Proposal, Unfinished } from '../../resources/proposal.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';

/** A revision whose outcome somebody wants to know. */
export interface Followed extends Identity {
  /** As it was proposed; undefined: before this daemon started, or by somebody else. */
  readonly proposal?: Proposal;
  /** It was seen on trial since it was proposed: a failure of it is about this attempt. */
  readonly begun: boolean;
}

/** undefined: nothing is known of it. @param standing the proposal that is the newest */
export const outcomeOf = (
  { revision, hash, proposal, begun }: Followed,
  standing: Proposal | undefined,
  snapshot: Snapshot,
): Outcome | undefined => {
  const { status } = resourceIn(snapshot, UPDATE);
  const isStanding = standing !== undefined && isSameRevision(standing.spec, { revision, hash });
  if (status?.trial !== undefined && isSameRevision(status.trial, { revision, hash })) {
    const waitingOn = unfinishedIn(snapshot);
    return status.trial.commitAtMs === undefined ? { is: 'trying', waitingOn } : { is: 'testing', waitingOn };
  }
  if (status !== undefined && isSameRevision(status.committed, { revision, hash })) return { is: 'done' };
  const own = status?.failures[revision];
  if (own?.hash === hash && (begun || proposal === undefined)) return { is: 'rolled back', failure: own };
  const spec = proposal?.spec ?? { revision, hash };
  const failure = status && failedBefore(spec, Object.values(status.failures));
  if (isStanding && failure !== undefined) return { is: 'refused', reason: failedText(failure), failure };
  if (isStanding) return { is: 'accepted' };
  return proposal === undefined || standing === undefined ? undefined : { is: 'superseded', by: standing };
};

const failedText = ({ message, detail }: Failure): string =>
  `this content was tried before and failed: ${message}: ${detail}`;

/** Everything that is not as desired. */
export const unfinishedIn = ({ plans }: Snapshot): Unfinished[] =>
  Object.entries(plans).flatMap(([resource, plan]) =>
    plan.outcome === 'converged' ? [] : [{ resource, reason: plan.reason }],
  );

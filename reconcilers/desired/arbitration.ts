/** Which of two proposals stands, when they come from different sources. Pure. */

import { failedBefore, isSameRevision, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import { type Proposal, SOURCE_PRECEDENCE } from '../../resources/proposal.ts';

/** Something is to be tried, is being tried, or a reboot is due: Pantavisor has an update object then. */
export const isUpdating = (spec: UpdateSpec | undefined, status: UpdateStatus | undefined): boolean => {
  if (status?.trial !== undefined || status?.rebooting !== undefined) return true;
  if (spec === undefined || status === undefined) return false;
  return !isSameRevision(spec, status.committed) && failedBefore(spec, Object.values(status.failures)) === undefined;
};

/**
 * Why a proposal must not replace the one that stands; undefined: it may. The precedence of sources is in
 * `SOURCE_PRECEDENCE`; it counts only until the update with the standing proposal is over.
 * @param standing undefined: nothing was proposed since the daemon started
 */
export const reasonToRefuse = (
  next: Proposal,
  standing: Proposal | undefined,
  status: UpdateStatus | undefined,
): string | undefined => {
  if (!isUpdating(standing?.spec, status)) return undefined;
  const trial = status?.trial;
  if (trial !== undefined && isSameRevision(next.spec, trial)) return undefined;
  const rank = SOURCE_PRECEDENCE[next.source];
  if (standing !== undefined) {
    if (rank >= SOURCE_PRECEDENCE[standing.source]) return undefined;
    return `${standing.spec.revision}, proposed by ${standing.from}, is not finished yet`;
  }
  // Its source is not known after a restart: it may have been any.
  if (rank >= Math.max(...Object.values(SOURCE_PRECEDENCE))) return undefined;
  const busy = trial === undefined ? 'the device reboots' : `${trial.revision} is being tried`;
  return `${busy}, and may have been proposed by a source that comes first`;
};

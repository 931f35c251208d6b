/** Which revision's resources the device is to have. Pure. */
import type { UpdateStatus } from '../../resources/kinds/update.ts';

/** The one on trial; else what the lifeline holds the device with; else the committed one, or what stands in for it. */
export const effectiveRevision = ({ committed, trial, lifeline, standIn }: UpdateStatus): string => {
  if (trial !== undefined && !trial.interrupted) return trial.revision;
  if (lifeline?.stage === 'factory') return '0';
  return standIn?.revision ?? committed.revision;
};

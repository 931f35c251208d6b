/** Which revision's resources the device is to have. Pure. */
import type { UpdateStatus } from '../../resources/kinds/update.ts';

/** The one on trial; else what the lifeline holds the device with; else the committed one. */
export const effectiveRevision = ({ committed, trial, lifeline }: UpdateStatus): string => {
  if (trial !== undefined && !trial.interrupted) return trial.revision;
  return lifeline?.stage === 'factory' ? '0' : committed.revision;
};

/** Auto-recovery as the control socket words it. */
import type { BackoffPolicy } from '../../resources/kinds/recovery.ts';

/** Seconds in the largest unit that divides them: `2h`, `90min`, `45s`. */
export const durationText = (seconds: number): string => {
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds > 0 && seconds % 60 === 0) return `${seconds / 60}min`;
  return `${seconds}s`;
};

export const backoffText = (policy: BackoffPolicy): string =>
  policy.type === 'rest' ? durationText(policy.seconds) : policy.type;

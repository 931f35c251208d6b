/** When the Hub client tries again. Pure. */
import { type HubState, phaseOf } from './hub-state.ts';

/** Of everything that Pantavisor does not take from the configuration. */
const STEP_MS = 6_000;
/** A device that was offline for months is back within this time. */
const LONGEST_MS = 5 * 60_000;
/** Full jitter may come out as nothing; a server that is down is left alone for so long at least. */
const SHORTEST_MS = 1_000;
/** A server can ask for no more patience than this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export interface Intervals {
  /** `PH_UPDATER_INTERVAL`. */
  readonly updaterMs: number;
}

const intervalOf = (state: HubState, { updaterMs }: Intervals): number => {
  switch (phaseOf(state)) {
    case 'register':
    case 'claim':
    case 'idle':
      return updaterMs;
    default:
      return STEP_MS;
  }
};

/**
 * Milliseconds until the next tick. Failures double the interval, and a random part of it is waited for (full jitter),
 * so that a fleet which lost power together does not come back together.
 * @param random from 0 to 1
 */
export const delayMsOf = (state: HubState, intervals: Intervals, random: number): number => {
  const interval = intervalOf(state, intervals);
  const { failures, retryAfterMs } = state;
  const backedOff = Math.min(interval * 2 ** Math.min(failures, 16), Math.max(LONGEST_MS, interval));
  const delay = failures === 0 ? interval : Math.max(SHORTEST_MS, random * backedOff);
  if (retryAfterMs === undefined) return delay;
  // Devices that were told the same time do not come back at the same time.
  return Math.max(delay, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) * (1 + random / 10));
};

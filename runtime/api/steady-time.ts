/**
 * Both clocks of one moment. They are never read at the very same time, and not in the same units: by a millisecond
 * they always differ from the last time, which would be news about everything for whoever watches.
 */
export interface Clocks {
  readonly nowMs: () => number;
  readonly wallTime: () => Date;
}

export interface Moment {
  /** Monotonic, whole milliseconds. */
  readonly nowMs: number;
  readonly wallTime: Date;
}

/** By more than this they differ only when somebody set the clock. */
const STEP_MS = 100;

export const steadyTime = ({ nowMs, wallTime }: Clocks): (() => Moment) => {
  let offsetMs: number | undefined;
  return () => {
    const now = Math.floor(nowMs());
    const seenMs = wallTime().getTime() - now;
    if (offsetMs === undefined || Math.abs(seenMs - offsetMs) > STEP_MS) offsetMs = seenMs;
    return { nowMs: now, wallTime: new Date(now + offsetMs) };
  };
};

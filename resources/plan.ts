/** What a reconciler answers: the next step for one resource, or why there is none. */
import type { Action } from './action.ts';
import type { Ref } from './ref.ts';

/**
 * What brought a plan about: another resource changed, or itself (its own ref), or what is wanted of it (`desired`). It
 * decides nothing; the history turns it into what was done to those last. None: itself.
 */
export type Cause = Ref | 'desired';

export type Plan =
  | { readonly outcome: 'converged' }
  /** One step; the world is looked at again after it. */
  | { readonly outcome: 'acting'; readonly next: Action; readonly reason: string; readonly because?: Causes }
  /** Another resource must move first, or time must pass. `untilMs`: look again then (monotonic). */
  | {
      readonly outcome: 'waiting';
      readonly on: readonly Ref[];
      readonly reason: string;
      readonly untilMs?: number;
    }
  /** Nothing we do will help: rollback or a human. */
  | { readonly outcome: 'stalled'; readonly reason: string; readonly because?: Causes };

type Causes = readonly Cause[];

export type Waiting = Extract<Plan, { readonly outcome: 'waiting' }>;

export const CONVERGED: Plan = { outcome: 'converged' };

export const act = (next: Action, reason: string, because: Causes = []): Plan => ({
  outcome: 'acting',
  next,
  reason,
  ...(because.length === 0 ? {} : { because }),
});

export const waitFor = (on: readonly Ref[], reason: string): Waiting => ({ outcome: 'waiting', on, reason });

export const waitUntil = (untilMs: number, reason: string, on: readonly Ref[] = []): Waiting => ({
  outcome: 'waiting',
  on,
  reason,
  untilMs,
});

export const stall = (reason: string, because: Causes = []): Plan => ({
  outcome: 'stalled',
  reason,
  ...(because.length === 0 ? {} : { because }),
});

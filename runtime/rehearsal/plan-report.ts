/** What a plan tells before anything is done, as data. Pure. */
import type { RebootCause } from '../../resources/state-format/transition.ts';
import type { Pending, Present } from './present.ts';
import type { Ending, Step } from './rehearsal.ts';
import type { Difference } from './state-difference.ts';

export interface Containers {
  readonly stopped: readonly string[];
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  readonly untouched: readonly string[];
}

export interface PlanReport {
  readonly against: Present['source'];
  readonly from: string;
  readonly to: string;
  readonly difference: Difference;
  /** Whether it goes through a reboot; the causes are what Pantavisor would reboot for, whether it is done here or not. */
  readonly reboot: { readonly needed: boolean; readonly causes: readonly RebootCause[] };
  readonly containers: Containers;
  readonly steps: readonly Step[];
  readonly ending: Ending;
  readonly objects: {
    /** Ids that the store has not got. */
    readonly missing: readonly string[];
    /** What those that come along need; objects that nobody brings are not counted. */
    readonly neededBytes: number;
    /** Of the missing, those that nobody brings. */
    readonly absent: readonly string[];
    readonly freeBytes: number | null;
  };
  /** What the daemon is at now, before anything is proposed: what it does, what waits for what, what is stuck. */
  readonly pending: readonly Pending[];
  /** Where it goes back to when it fails. */
  readonly fallback: string;
  readonly warnings: readonly string[];
}

/** What a storage has committed is begun with the daemon anyway. */
export const isNothingToDo = ({ against, steps, difference, from, to }: PlanReport): boolean =>
  difference.keys.length === 0 && (steps.length === 0 || (against !== 'running' && from === to));

/** It would not end in what was proposed. */
export const failureIn = ({ ending, objects }: PlanReport): string | undefined => {
  const { absent, freeBytes, neededBytes } = objects;
  if (absent.length > 0) {
    const are = absent.length === 1 ? 'object is' : 'objects are';
    return `${absent.length} ${are} neither in the store nor brought along`;
  }
  if (freeBytes !== null && neededBytes > freeBytes) return `Space required ${neededBytes} B, available ${freeBytes} B`;
  switch (ending.type) {
    case 'at-rest':
      return undefined;
    case 'given-up':
      return `it would be rolled back: ${ending.reason}`;
    case 'stalled':
    case 'unfinished':
      return `it would not be reached: ${ending.reasons.join('; ')}`;
    default:
      return ending satisfies never;
  }
};

/** Which containers a plan touches, by what was and is at work and by what is done to them. */
export const containersOf = (
  steps: readonly Step[],
  before: readonly string[],
  after: readonly string[],
): Containers => {
  const touched = (...actions: readonly Step['action'][]): Set<string> =>
    new Set(steps.filter(({ action }) => actions.includes(action)).map(({ ref }) => ref.slice(ref.indexOf('/') + 1)));
  // A container whose goal is to be mounted never runs: it is made anew.
  const ended = touched('container.halt', 'container.kill', 'container.remove');
  return {
    stopped: before.filter((name) => !after.includes(name)),
    started: after.filter((name) => !before.includes(name)),
    restarted: after.filter((name) => before.includes(name) && ended.has(name)),
    untouched: after.filter((name) => before.includes(name) && !ended.has(name)),
  };
};

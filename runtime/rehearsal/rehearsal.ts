/** What a rehearsal tells: the steps that were taken, in order, and how it ended. */
import { stepText } from '../../reconcilers/kinds.ts';
import type { Action } from '../../resources/action.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Event } from '../engine/event.ts';
import type { Knowledge, Present } from './present.ts';

export interface Step {
  readonly ref: Ref;
  readonly action: Action['type'];
  /** What is done: `halt web`. */
  readonly sentence: string;
  /** Why. */
  readonly reason: string;
  /** Simulated milliseconds since the beginning; how long a device takes for its steps is not known. */
  readonly afterMs: number;
  /** The device's refusal, when the step did not succeed. */
  readonly error?: string;
}

export type Ending =
  | { readonly type: 'at-rest' }
  /** The proposed revision was given up, by rollback or before it was tried. */
  | { readonly type: 'given-up'; readonly reason: string }
  /** At rest, but with resources that nothing we do will help. */
  | { readonly type: 'stalled'; readonly reasons: readonly string[] }
  /** Neither converged nor stalled within the limits. */
  | { readonly type: 'unfinished'; readonly reasons: readonly string[] };

export interface Rehearsal {
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** Names of the containers that are at work, before and after. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The revision that is committed in the end. */
  readonly committed: string;
  /** Settings of LXC files that do nothing here, as sentences. */
  readonly notices: readonly string[];
}

/** What is to be rehearsed. */
export interface Scene {
  readonly present: Present;
  readonly knowledge: Knowledge;
  /** Proposed at the beginning; undefined: whatever the present has proposed. */
  readonly proposal?: { readonly revision: string; readonly hash: string; readonly document: Uint8Array };
}

export type Rehearse = (scene: Scene) => Promise<Rehearsal>;

/** Collects the steps of a loop from its events, over the reboots of its device. */
export const stepRecorder = (beginMs: number) => {
  const steps: Step[] = [];
  const running = new Map<Ref, number>();
  let originMs = beginMs;
  return {
    steps,
    take: (event: Event): void => {
      if (event.type === 'action.started') {
        const { action, reason, atMs } = event;
        running.set(action.ref, steps.length);
        const { type, ref } = action;
        steps.push({ ref, action: type, sentence: stepText(action), reason, afterMs: Math.round(atMs - originMs) });
      } else if (event.type === 'action.failed') {
        const at = running.get(event.action.ref);
        const step = at === undefined ? undefined : steps[at];
        if (at !== undefined && step !== undefined) steps[at] = { ...step, error: event.message };
      }
    },
    /** The device boots, and its monotonic clock with it. */
    rebooted: (endedAtMs: number, beganAtMs: number): void => {
      originMs += beganAtMs - endedAtMs;
    },
  };
};

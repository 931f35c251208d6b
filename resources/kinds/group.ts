/** A group: containers that start together, after the earlier groups reached their goals. */

import type { Ref } from '../ref.ts';
import type { RestartPolicy, StatusGoal } from './goal.ts';
import type { AutoRecovery } from './recovery.ts';

export interface GroupSpec {
  readonly name: string;
  readonly order: number;
  /** Revision name and content hash: what the group was, or is to be, opened for. */
  readonly revision: string;
  readonly statusGoal: StatusGoal;
  readonly restartPolicy: RestartPolicy;
  /** How long its members may take to reach their goals, counted from when the group was opened. */
  readonly timeoutSeconds: number;
  readonly autoRecovery?: AutoRecovery;
  readonly members: readonly Ref<'container'>[];
}

/** An open group lets its members start. It is opened once per revision and boot. */
export interface GroupStatus {
  readonly revision: string;
  readonly openedAtMs: number;
}

/** What can be done to it. "Ensure" semantics: doing it twice is harmless. */
export type GroupAction =
  | { readonly type: 'group.open'; readonly ref: Ref<'group'>; readonly revision: string }
  | { readonly type: 'group.close'; readonly ref: Ref<'group'> };

/** Facts that reach the loop. Nothing else ever changes a snapshot. */
import type { Action } from '../../resources/action.ts';
import type { Spec, Status } from '../../resources/catalog.ts';
import type { Cause, Plan } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';

export type Event =
  | { readonly type: 'desired.changed'; readonly revision: string; readonly desired: Readonly<Record<Ref, Spec>> }
  | { readonly type: 'resource.observed'; readonly ref: Ref; readonly status: Status | undefined }
  | { readonly type: 'observation.failed'; readonly ref: Ref; readonly code: string; readonly message: string }
  | { readonly type: 'resource.planned'; readonly plans: readonly (readonly [ref: Ref, plan: Plan | undefined])[] }
  | {
      readonly type: 'action.started';
      readonly action: Action;
      readonly reason: string;
      readonly because: readonly Cause[];
      readonly atMs: number;
    }
  | { readonly type: 'action.succeeded'; readonly action: Action; readonly reason: string; readonly atMs: number }
  | {
      readonly type: 'action.failed';
      readonly action: Action;
      readonly reason: string;
      readonly atMs: number;
      readonly code: string;
      readonly message: string;
    };

/** A fact, and what it made of the snapshot: the same object when it changed nothing. */
export interface Reduction {
  readonly event: Event;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

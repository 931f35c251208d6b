/** Everything the reconcilers may look at: what is wanted, what is there, and what failed. */
import type { Action } from './action.ts';
import type { Kind, Spec, Status } from './catalog.ts';
import type { Plan } from './plan.ts';
import type { Ref } from './ref.ts';

export interface Resource<K extends Kind> {
  readonly ref: Ref<K>;
  /** undefined: nobody wants it. */
  readonly spec: Spec<K> | undefined;
  /** undefined: the device has not got it. */
  readonly status: Status<K> | undefined;
}

/** An action that the device refused. It is retried at `retryAtMs`, at once when the desired state changes. */
export interface ActionFailure {
  readonly action: Action['type'];
  /** Consecutive failures of this action on this resource. */
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
  readonly retryAtMs: number;
}

/** What was done to a resource last, and why. */
export interface LastAction {
  readonly action: Action['type'];
  readonly reason: string;
  readonly startedAtMs: number;
  /** undefined: still at it. */
  readonly finishedAtMs?: number;
}

export interface Snapshot {
  /** Whose resources `desired` are; undefined until the first revision was read. */
  readonly revision: string | undefined;
  readonly desired: Readonly<Record<Ref, Spec>>;
  readonly observed: Readonly<Record<Ref, Status>>;
  readonly failures: Readonly<Record<Ref, ActionFailure>>;
  readonly lastActions: Readonly<Record<Ref, LastAction>>;
  /** What each reconciler answered last. */
  readonly plans: Readonly<Record<Ref, Plan>>;
}

export const EMPTY_SNAPSHOT: Snapshot = {
  revision: undefined,
  desired: {},
  observed: {},
  failures: {},
  lastActions: {},
  plans: {},
};

/** A resource of the snapshot. The casts are the one seam between the untyped maps and the catalog. */
export const resourceIn = <K extends Kind>(snapshot: Snapshot, ref: Ref<K>): Resource<K> => ({
  ref,
  spec: snapshot.desired[ref] as Spec<K> | undefined,
  status: snapshot.observed[ref] as Status<K> | undefined,
});

export type Reconciler<K extends Kind> = (resource: Resource<K>, snapshot: Snapshot, nowMs: number) => Plan;

/** What the rest of the daemon has to know about one kind, besides how it is reconciled. */
import type { ActionOf, ActionType } from '../resources/action.ts';
import type { Kind, Spec, Status } from '../resources/catalog.ts';
import type { Ref } from '../resources/ref.ts';
import type { Resource, Snapshot } from '../resources/snapshot.ts';

export interface KindRules<K extends Kind> {
  /** What must be ready before an action that `needsDependencies`. */
  readonly dependsOn: (spec: Spec<K>) => readonly Ref[];
  /** Other resources that it uses now. Their reconcilers leave them in place; see `usersOf`. */
  readonly uses: (resource: Resource<K>, snapshot: Snapshot) => readonly Ref[];
  /** Why resources that depend on it must wait, as a reason in a status; undefined: it is ready. */
  readonly whyNotReady: (resource: Resource<K>, snapshot: Snapshot) => string | undefined;
  /**
   * Tells one wish from another: as long as it stays the same, a trial is not blamed for what was broken before.
   * undefined: resources of this kind are never broken by themselves.
   */
  readonly fingerprint: ((spec: Spec<K>) => string) | undefined;
  /** Whether a trial fails because this resource is stalled. */
  readonly failsTrial: (resource: Resource<K>, snapshot: Snapshot) => boolean;
  /** What an observation says about something that we did not do; undefined: nothing worth a line in the history. */
  readonly change: (look: Look<Status<K>>) => Change | undefined;
  readonly actions: { readonly [T in ActionType<K>]: ActionRules<T> };
}

export interface ActionRules<T extends ActionType> {
  /** As a step of a plan: `open group app`. */
  readonly step: (action: ActionOf<T>) => string;
  /** Follows the name of the resource when it was done: `was opened`. */
  readonly done: string;
  /** It waits until everything that the spec depends on is ready. */
  readonly needsDependencies?: true;
}

export interface Change {
  /** Follows the resource's name: `ended with signal 9`. */
  readonly what: string;
  /** When it happened, if that is known better than by looking (monotonic). */
  readonly atMs?: number;
  /** It follows from what was done to the resource before. */
  readonly expected: boolean;
}

/** found: the first look of a daemon. acting: we are at work on it, and what changes is mostly our doing. */
export type Circumstance = 'found' | 'acting' | 'watching';

export interface Look<S> {
  readonly before: S | undefined;
  readonly after: S | undefined;
  readonly when: Circumstance;
}

export const unasked = (what: string): Change => ({ what, expected: false });

/** For kinds that nothing waits for, or that use nothing. */
export const none = (): readonly Ref[] => [];

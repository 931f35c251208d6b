/**
 * Dependencies between resources as data: a spec names what it depends on, and no reconciler has a branch for it.
 *
 * Starting: an action that needs its dependencies waits until all of them are ready. Stopping: what is still used is
 * left in place by its reconciler, which asks `usersOf`.
 */
import type { Kind } from '../resources/catalog.ts';
import { type Plan, waitFor } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import { type Reconciler, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { needsDependencies, rulesOf, whyNotReady } from './kinds.ts';
import { perSnapshot, refsIn } from './relations.ts';

/** The reconciler, but for actions that need what the spec depends on: they wait for it. */
export const withDependencies =
  <K extends Kind>(reconcile: Reconciler<K>): Reconciler<K> =>
  (resource, snapshot, nowMs): Plan => {
    const plan = reconcile(resource, snapshot, nowMs);
    if (plan.outcome !== 'acting' || resource.spec === undefined || !needsDependencies(plan.next)) return plan;
    const dependencies = rulesOf(resource.ref).dependsOn(resource.spec);
    if (dependencies.length === 0) return plan;
    const reasons = new Map(dependencies.map((ref) => [ref, whyNotReady(ref, snapshot)] as const));
    const missing = dependencies.filter((ref) => reasons.get(ref) !== undefined);
    if (missing.length > 0) return waitFor(missing, missing.map((ref) => reasons.get(ref)).join('; '));
    return { ...plan, because: [...new Set([...(plan.because ?? []), ...dependencies])] };
  };

const usersByRef = perSnapshot((snapshot) => {
  const users = new Map<Ref, Ref[]>();
  for (const ref of refsIn(snapshot)) {
    for (const used of rulesOf(ref).uses(resourceIn(snapshot, ref), snapshot)) {
      users.set(used, [...(users.get(used) ?? []), ref]);
    }
  }
  return users;
});

/** Resources that use this one now, and must let go of it first. */
export const usersOf = (ref: Ref, snapshot: Snapshot): readonly Ref[] => usersByRef(snapshot).get(ref) ?? [];

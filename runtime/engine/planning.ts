/** Asks every reconciler what comes next, and when to ask again. Pure. */
import { type Plan, waitUntil } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';

/** What a reconciler answers for a resource; dispatches on its kind. */
export type PlanResource = (ref: Ref, snapshot: Snapshot, nowMs: number) => Plan;

/** The plan for one resource, held back while the device's last refusal is too recent. */
export const planOf = (ref: Ref, snapshot: Snapshot, nowMs: number, reconcile: PlanResource): Plan => {
  const plan = reconcile(ref, snapshot, nowMs);
  const failure = snapshot.failures[ref];
  if (plan.outcome !== 'acting' || failure === undefined || failure.action !== plan.next.type) return plan;
  if (nowMs >= failure.retryAtMs) return plan;
  return waitUntil(failure.retryAtMs, `${failure.message}; tried ${failure.attempts} times, next try follows`);
};

/** Plans that differ from those in the snapshot, and those of resources that are gone. */
export const changedPlans = (
  refs: readonly Ref[],
  snapshot: Snapshot,
  nowMs: number,
  reconcile: PlanResource,
): readonly (readonly [Ref, Plan | undefined])[] => {
  const changed: [Ref, Plan | undefined][] = [];
  for (const ref of refs) {
    const plan = planOf(ref, snapshot, nowMs, reconcile);
    if (!samePlan(plan, snapshot.plans[ref])) changed.push([ref, plan]);
  }
  const live = new Set(refs);
  for (const ref of Object.keys(snapshot.plans) as Ref[]) {
    if (!live.has(ref)) changed.push([ref, undefined]);
  }
  return changed;
};

/** When the next plan may change by the mere passing of time; undefined: never. */
export const nextWakeMs = (snapshot: Snapshot, nowMs: number): number | undefined => {
  let earliest: number | undefined;
  for (const plan of Object.values(snapshot.plans)) {
    if (plan.outcome !== 'waiting' || plan.untilMs === undefined || plan.untilMs <= nowMs) continue;
    if (earliest === undefined || plan.untilMs < earliest) earliest = plan.untilMs;
  }
  return earliest;
};

const samePlan = (a: Plan, b: Plan | undefined): boolean => {
  if (a === b) return true;
  if (b === undefined || a.outcome !== b.outcome) return false;
  switch (a.outcome) {
    case 'converged':
      return true;
    case 'stalled':
      return b.outcome === 'stalled' && a.reason === b.reason;
    case 'acting':
      return b.outcome === 'acting' && a.reason === b.reason && JSON.stringify(a.next) === JSON.stringify(b.next);
    case 'waiting':
      return b.outcome === 'waiting' && a.reason === b.reason && a.untilMs === b.untilMs && a.on.join() === b.on.join();
    default:
      return a satisfies never;
  }
};

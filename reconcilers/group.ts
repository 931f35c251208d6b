/**
 * Decides the next step for one group. Groups open one after the other, each when all earlier ones have reached their
 * goals or used up their time; an open group lets its members start. Once open it stays so: a restart of an earlier
 * container later on does not hold up the others.
 */
import { act, CONVERGED, type Plan, stall, waitFor, waitUntil } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import { type Reconciler, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { describePending, pendingMembers } from './goals.ts';
import { groupsIn, isAlive } from './relations.ts';

export const reconcileGroup: Reconciler<'group'> = (group, snapshot, nowMs) => {
  const { ref, spec } = group;
  if (spec === undefined) {
    return group.status === undefined
      ? CONVERGED
      : act({ type: 'group.close', ref }, 'it is not part of the revision', ['desired']);
  }
  const deadlineMs = deadlineOf(group);
  if (deadlineMs === undefined) return planOpening(group, spec.revision, snapshot, nowMs);

  const pending = pendingMembers(group, snapshot);
  if (pending.length === 0) return CONVERGED;
  const missing = describePending(pending, snapshot);
  const timeoutMs = spec.timeoutSeconds * 1000;
  const untilMs = Math.max(deadlineMs, ...pending.map((member) => lastTurnMs(member, snapshot) + timeoutMs));
  if (nowMs < untilMs) return waitUntil(untilMs, missing, pending);
  const isMoving = pending.every((member) => isBetweenRuns(member, snapshot));
  return isMoving ? waitFor(pending, missing) : stall(`not reached in ${spec.timeoutSeconds} s: ${missing}`, pending);
};

/** A member that is started again later on has its time anew. */
const lastTurnMs = (member: Ref<'container'>, snapshot: Snapshot): number => {
  const { status } = resourceIn(snapshot, member);
  if (status?.phase === 'exited') return status.exitedAtMs;
  return isAlive(status) ? status.run.startedAtMs : 0;
};

/** On its way to the next start, which nothing refuses. */
const isBetweenRuns = (member: Ref<'container'>, snapshot: Snapshot): boolean => {
  const plan = snapshot.plans[member];
  return snapshot.failures[member] === undefined && (plan?.outcome === 'acting' || plan?.outcome === 'waiting');
};

/** When an open group's time is up (monotonic); undefined: not open for this revision. */
export const deadlineOf = ({ spec, status }: Resource<'group'>): number | undefined =>
  spec !== undefined && status?.revision === spec.revision ? status.openedAtMs + spec.timeoutSeconds * 1000 : undefined;

const planOpening = ({ ref, spec }: Resource<'group'>, revision: string, snapshot: Snapshot, nowMs: number): Plan => {
  const order = spec?.order ?? 0;
  const earlierGroups = groupsIn(snapshot).filter((earlier) => (earlier.spec?.order ?? 0) < order);
  const gating = earlierGroups.filter((earlier) => !isPassed(earlier, snapshot, nowMs));
  if (gating.length === 0) {
    const passed = earlierGroups.flatMap((earlier) => [earlier.ref, ...(earlier.spec?.members ?? [])]);
    return act({ type: 'group.open', ref, revision }, 'all earlier groups are done', ['desired', ...passed]);
  }
  return waitFor(
    gating.map((earlier) => earlier.ref),
    'earlier groups come first',
  );
};

const isPassed = (group: Resource<'group'>, snapshot: Snapshot, nowMs: number): boolean => {
  const deadlineMs = deadlineOf(group);
  return deadlineMs !== undefined && (nowMs >= deadlineMs || pendingMembers(group, snapshot).length === 0);
};

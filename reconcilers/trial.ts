/** How far the revision that runs is from its goals: what is still to come, when it is hopeless, and when it is stable. */
import { UPDATE } from '../resources/kinds/update.ts';
import type { Cause, Plan, Waiting } from '../resources/plan.ts';
import { waitFor, waitUntil } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import { type ActionFailure, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { isExcused } from './blame.ts';
import { isOnTrial, LONGEST_STOP_MS } from './container.ts';
import { describePending, goalOf, pendingMembers } from './goals.ts';
import { deadlineOf } from './group.ts';
import { failsTrial } from './kinds.ts';
import { decideRecovery } from './recovery.ts';
import { containersIn, groupsIn } from './relations.ts';

/** A device that refuses the same step this often in a row will not change its mind within a trial. */
export const FATAL_ATTEMPTS = 3;

export interface Hopeless {
  readonly message: string;
  readonly detail: string;
  readonly because: readonly Cause[];
}

export const whyHopeless = (snapshot: Snapshot, nowMs: number): Hopeless | undefined => {
  for (const [ref, failure] of Object.entries(snapshot.failures) as [Ref, ActionFailure][]) {
    if (failure.attempts >= FATAL_ATTEMPTS && !ref.startsWith('update/') && !isExcused(ref, snapshot)) {
      return { message: messageOf(failure.action), detail: `${ref}: ${failure.message}`, because: [ref] };
    }
  }
  // Groups stall when their time is up; that is told below, with who was late.
  for (const [ref, plan] of Object.entries(snapshot.plans) as [Ref, Plan][]) {
    if (plan.outcome === 'stalled' && !isExcused(ref, snapshot) && failsTrial(ref, snapshot)) {
      return { message: NOT_STARTED, detail: `${ref}: ${plan.reason}`, because: [ref] };
    }
  }
  return whyLate(snapshot, nowMs);
};

const NOT_STARTED = 'A container could not be started';
const NOT_STOPPED = 'A container could not be stopped';
const TAKING_DOWN: readonly ActionFailure['action'][] = [
  'container.halt',
  'container.kill',
  'container.remove',
  'volume.unmount',
];

/** Pantavisor's words for a start; what takes something down and fails is not called one. */
const messageOf = (action: ActionFailure['action']): string =>
  TAKING_DOWN.includes(action) ? NOT_STOPPED : NOT_STARTED;

/** Goals that were not reached in their time. */
export const whyLate = (snapshot: Snapshot, nowMs: number): Hopeless | undefined => {
  const late = pendingDeadlines(snapshot).filter(({ atMs }) => nowMs >= atMs);
  if (late.length === 0) return undefined;
  const refs = late.map(({ ref }) => ref);
  const groups = groupsIn(snapshot).filter(({ spec }) => spec?.members.some((member) => refs.includes(member)));
  return {
    message: 'Status goal not reached',
    detail: describePending(refs, snapshot),
    because: [...groups.map(({ ref }) => ref), ...refs],
  };
};

/** Until when those that are not at their goals must be. */
const pendingDeadlines = (snapshot: Snapshot): { readonly ref: Ref<'container'>; readonly atMs: number }[] =>
  groupsIn(snapshot).flatMap((group) => {
    const { spec, status } = group;
    if (spec === undefined || status === undefined || deadlineOf(group) === undefined) return [];
    return pendingMembers(group, snapshot)
      .filter((ref) => !isExcused(ref, snapshot))
      .map((ref) => ({ ref, atMs: timeBegins(ref, status.openedAtMs, snapshot) + spec.timeoutSeconds * 1000 }));
  });

/**
 * From when on a container has the time of its group: from the opening, or from when it was started anew since (its own
 * recovery, a restart that somebody asked for). A trial that has not reached its goals yet gives no time anew for
 * recoveries: one that keeps ending would go on for ever. After a rollback no time begins before it, and a container
 * that waits for its next start gets its time from that on.
 */
const timeBegins = (ref: Ref<'container'>, openedAtMs: number, snapshot: Snapshot): number => {
  const { trial, lifeline } = resourceIn(snapshot, UPDATE).status ?? {};
  const container = resourceIn(snapshot, ref).status;
  if (trial !== undefined && trial.testedAtMs === undefined && (container?.retries ?? 0) > 0) {
    return openedAtMs + LONGEST_STOP_MS;
  }
  const endedAtMs = container?.phase === 'exited' ? container.exitedAtMs : 0;
  const touchedAtMs = snapshot.lastActions[ref]?.startedAtMs ?? 0;
  const heldMs = lifeline === undefined ? 0 : Math.max(lifeline.sinceMs, nextStartMs(ref, snapshot));
  return Math.max(openedAtMs, endedAtMs, touchedAtMs, heldMs);
};

/** When a container that ended is started again (monotonic); 0: it is not waiting for that. */
const nextStartMs = (ref: Ref<'container'>, snapshot: Snapshot): number => {
  const { spec, status } = resourceIn(snapshot, ref);
  if (spec === undefined || status?.phase !== 'exited') return 0;
  const recovery = decideRecovery(spec, status, isOnTrial(ref, status, snapshot));
  return recovery.type === 'restart' ? recovery.atMs : 0;
};

/** Excused ones keep nobody waiting. */
const isUnsettled = (container: Resource<'container'>, snapshot: Snapshot): boolean =>
  !isExcused(container.ref, snapshot) &&
  (container.spec === undefined || goalOf(container, snapshot).type === 'pending');

/** What is still to come before all goals of the snapshot are reached; undefined: nothing. */
export const planGoals = (snapshot: Snapshot): Waiting | undefined => {
  const unopened = groupsIn(snapshot).filter((group) => deadlineOf(group) === undefined);
  if (unopened.length > 0) {
    return waitFor(
      unopened.map((group) => group.ref),
      'groups are still to start',
    );
  }
  const unsettled = containersIn(snapshot).filter((container) => isUnsettled(container, snapshot));
  if (unsettled.length === 0) return undefined;
  const refs = unsettled.map((container) => container.ref);
  const deadlines = pendingDeadlines(snapshot).map(({ atMs }) => atMs);
  const reason = 'goals are not reached yet';
  return deadlines.length === 0 ? waitFor(refs, reason) : waitUntil(Math.min(...deadlines), reason, refs);
};

const achievedIn = (snapshot: Snapshot): { readonly sinceMs: number; readonly stableMs: number }[] =>
  containersIn(snapshot).flatMap((container) => {
    const goal = goalOf(container, snapshot);
    const stableMs = (container.spec?.autoRecovery?.stableTimeoutSeconds ?? 0) * 1000;
    return goal.type === 'achieved' && !isExcused(container.ref, snapshot) ? [{ sinceMs: goal.sinceMs, stableMs }] : [];
  });

/** When the last of the goals that hold was reached (monotonic). */
export const latestGoal = (snapshot: Snapshot): number =>
  Math.max(0, ...achievedIn(snapshot).map(({ sinceMs }) => sinceMs));

/** When every goal will have held for its `stable_timeout` (monotonic). */
export const latestStability = (snapshot: Snapshot): number =>
  Math.max(0, ...achievedIn(snapshot).map(({ sinceMs, stableMs }) => (stableMs > 0 ? sinceMs + stableMs : 0)));

export const longestStabilityMs = (snapshot: Snapshot): number =>
  Math.max(0, ...containersIn(snapshot).map(({ spec }) => (spec?.autoRecovery?.stableTimeoutSeconds ?? 0) * 1000));

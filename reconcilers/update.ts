/**
 * Decides what becomes of a proposed revision.
 *
 *   committed --try--> trying (INPROGRESS) --test: all goals reached--> testing (TESTING) --commit--> committed (DONE)
 *       ^                 |                                                |
 *       +---- rollBack ---+---- goal missed, start failed, crash, daemon died, superseded ----+
 *
 * It never touches a container: which revision's resources are desired follows from the status it writes.
 */
import { act, type Cause, CONVERGED, type Plan, stall, waitFor, waitUntil } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import { type ActionFailure, type Reconciler, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import type { Failure, Trial, UpdateSpec, UpdateStatus } from '../resources/update.ts';
import { describePending, goalOf, pendingMembers } from './goals.ts';
import { deadlineOf } from './group.ts';
import { containersIn, groupsIn } from './relations.ts';

/** A device that refuses the same step this often in a row will not change its mind within a trial. */
const FATAL_ATTEMPTS = 3;

export const reconcileUpdate: Reconciler<'update'> = ({ ref, spec, status }, snapshot, nowMs) => {
  if (status === undefined) return waitFor([], 'the storage has not been read yet');
  const { committed, trial } = status;
  if (trial === undefined) return planProposal(ref, spec, status, snapshot);

  const fail = (code: Failure['status'], message: string, detail: string, because: readonly Cause[] = []): Plan => {
    const failure = failureOf(trial, code, message, detail);
    return act({ type: 'update.rollBack', ref, failure }, `${message}: ${detail}`, because);
  };
  if (trial.interrupted) {
    // A daemon that died while it gave the revision up had a better reason, and wrote that down first.
    const recorded = status.failures[trial.revision];
    if (recorded?.hash === trial.hash) return fail(recorded.status, recorded.message, recorded.detail);
    return fail('ERROR', 'Unexpected rollback', 'the daemon ended during the trial');
  }
  if (spec !== undefined && isNew(spec, trial) && !isNew(spec, committed)) {
    return fail('CANCELLED', 'Update aborted', `${spec.revision}, the committed revision, was asked for`, ['desired']);
  }
  if (spec !== undefined && isNew(spec, trial) && knownFailure(spec, status) === undefined) {
    const superseded = failureOf(trial, 'CANCELLED', 'Update aborted', `superseded by ${spec.revision}`);
    return act(
      { type: 'update.try', ref, revision: spec, fallback: committed.revision, superseded },
      superseded.detail,
      ['desired'],
    );
  }
  if (status.unreadable !== undefined) return fail('ERROR', 'State JSON has bad format', status.unreadable);
  if (snapshot.revision !== trial.revision) return waitFor([], 'the revision is being read');

  const hopeless = reasonToRollBack(snapshot, nowMs);
  return hopeless === undefined
    ? planTrial(ref, trial, snapshot, nowMs)
    : fail('ERROR', hopeless.message, hopeless.detail, hopeless.because);
};

const isNew = (spec: UpdateSpec, known: { revision: string; hash: string }): boolean =>
  spec.revision !== known.revision || spec.hash !== known.hash;

/** The same content failed before, under whatever name. */
const knownFailure = (spec: UpdateSpec, { failures }: UpdateStatus): Failure | undefined =>
  Object.values(failures).find(({ hash, status }) => hash === spec.hash && status !== 'CANCELLED');

const failureOf = (trial: Trial, status: Failure['status'], message: string, detail: string): Failure => ({
  revision: trial.revision,
  hash: trial.hash,
  status,
  message,
  detail,
});

const planProposal = (
  ref: Ref<'update'>,
  spec: UpdateSpec | undefined,
  status: UpdateStatus,
  snapshot: Snapshot,
): Plan => {
  if (spec === undefined || !isNew(spec, status.committed)) {
    const { revision } = status.committed;
    if (status.unreadable !== undefined) return stall(`revision ${revision} cannot be used: ${status.unreadable}`);
    return status.unsound === undefined ? CONVERGED : stall(`revision ${revision} is damaged: ${status.unsound}`);
  }
  const known = knownFailure(spec, status);
  if (known !== undefined) return stall(`this content was tried before and failed: ${known.message}: ${known.detail}`);
  const refused = snapshot.failures[ref];
  if (refused?.action === 'update.try' && refused.attempts >= FATAL_ATTEMPTS) {
    const failure: Failure = { ...spec, status: 'ERROR', message: 'Internal error', detail: refused.message };
    return act({ type: 'update.rollBack', ref, failure }, refused.message);
  }
  return act(
    { type: 'update.try', ref, revision: spec, fallback: status.committed.revision },
    `${spec.revision} was proposed`,
    ['desired'],
  );
};

interface Hopeless {
  readonly message: string;
  readonly detail: string;
  readonly because: readonly Ref[];
}

const reasonToRollBack = (snapshot: Snapshot, nowMs: number): Hopeless | undefined => {
  const notStarted = 'A container could not be started';
  for (const [ref, failure] of Object.entries(snapshot.failures) as [Ref, ActionFailure][]) {
    if (failure.attempts >= FATAL_ATTEMPTS && !ref.startsWith('update/')) {
      return { message: notStarted, detail: `${ref}: ${failure.message}`, because: [ref] };
    }
  }
  // Groups stall when their time is up; that is told below, with who was late.
  for (const [ref, plan] of Object.entries(snapshot.plans) as [Ref, Plan][]) {
    if (plan.outcome === 'stalled' && !ref.startsWith('group/') && !ref.startsWith('update/')) {
      return { message: notStarted, detail: `${ref}: ${plan.reason}`, because: [ref] };
    }
  }
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

/**
 * Until when those that are not at their goals must be. The time of the group runs from its opening, and for a
 * container that was started anew since (its own recovery, a restart that somebody asked for) from then on.
 */
const pendingDeadlines = (snapshot: Snapshot): { readonly ref: Ref<'container'>; readonly atMs: number }[] =>
  groupsIn(snapshot).flatMap((group) => {
    const { spec, status } = group;
    if (spec === undefined || status === undefined || deadlineOf(group) === undefined) return [];
    return pendingMembers(group, snapshot).map((ref) => {
      const container = resourceIn(snapshot, ref).status;
      const endedAtMs = container?.phase === 'exited' ? container.exitedAtMs : 0;
      const touchedAtMs = snapshot.lastActions[ref]?.startedAtMs ?? 0;
      return { ref, atMs: Math.max(status.openedAtMs, endedAtMs, touchedAtMs) + spec.timeoutSeconds * 1000 };
    });
  });

const planTrial = (ref: Ref<'update'>, trial: Trial, snapshot: Snapshot, nowMs: number): Plan => {
  const unopened = groupsIn(snapshot).filter((group) => deadlineOf(group) === undefined);
  if (unopened.length > 0) {
    return waitFor(
      unopened.map((group) => group.ref),
      'groups are still to start',
    );
  }
  const unsettled = containersIn(snapshot).filter(
    (container) => container.spec === undefined || goalOf(container, snapshot).type === 'pending',
  );
  if (unsettled.length > 0) {
    const refs = unsettled.map((container) => container.ref);
    const deadlines = pendingDeadlines(snapshot).map(({ atMs }) => atMs);
    const reason = 'goals are not reached yet';
    return deadlines.length === 0 ? waitFor(refs, reason) : waitUntil(Math.min(...deadlines), reason, refs);
  }
  if (trial.commitAtMs === undefined) {
    const goals = containersIn(snapshot).map((container) => container.ref);
    return act({ type: 'update.test', ref, revision: trial.revision }, 'all goals are reached', goals);
  }
  if (nowMs < trial.commitAtMs) return waitUntil(trial.commitAtMs, 'Awaiting to see if update is stable');

  const stableAtMs = latestStability(snapshot);
  if (nowMs < stableAtMs) return waitUntil(stableAtMs, 'Waiting for all containers to become stable');
  return act({ type: 'update.commit', ref, revision: trial.revision }, 'it stayed stable');
};

const latestStability = (snapshot: Snapshot): number =>
  Math.max(
    0,
    ...containersIn(snapshot).map((container) => {
      const goal = goalOf(container, snapshot);
      const stableMs = (container.spec?.autoRecovery?.stableTimeoutSeconds ?? 0) * 1000;
      return goal.type === 'achieved' && stableMs > 0 ? goal.sinceMs + stableMs : 0;
    }),
  );

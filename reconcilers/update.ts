/**
 * Decides what becomes of a proposed revision.
 *
 *   committed --try--> trying (INPROGRESS) --test: all goals reached--> testing (TESTING) --commit--> committed (DONE)
 *       ^      |          |     ^                                          |
 *       |      +--reboot--|-----+                                          |
 *       +---- rollBack ---+---- goal missed, start failed, crash, daemon died, superseded ----+
 *
 * After a rollback the committed revision must prove itself: verifying -> (none | factory -> safe).
 * It never touches a container: which revision's resources are desired follows from the status it writes.
 */

import {
  type Failure,
  failedBefore,
  type Identity,
  isSameRevision,
  type Lifeline,
  type Trial,
  type UpdateSpec,
  type UpdateStatus,
} from '../resources/kinds/update.ts';
import { act, type Cause, CONVERGED, type Plan, stall, waitFor, waitUntil } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import type { Reconciler, Snapshot } from '../resources/snapshot.ts';
import { brokenIn } from './blame.ts';
import { containersIn, groupsIn, refsIn } from './relations.ts';
import {
  FATAL_ATTEMPTS,
  latestGoal,
  latestStability,
  longestStabilityMs,
  planGoals,
  whyHopeless,
  whyLate,
} from './trial.ts';

/** What runs has to stop first, and a device may refuse things for a while: a trial may take the time of its groups this many times. */
const TRIAL_PATIENCE = 3;

export const reconcileUpdate: Reconciler<'update'> = ({ ref, spec, status }, snapshot, nowMs) => {
  if (status === undefined) return waitFor([], 'the storage has not been read yet');
  const { trial } = status;
  const superseding = planSuperseding(ref, spec, status);
  if (superseding !== undefined) return superseding;
  if (status.rebooting !== undefined) return planReboot(ref, status.rebooting, snapshot);
  if (trial === undefined && status.unsettled) {
    return act(
      { type: 'update.commit', ref, revision: status.committed.revision },
      'its commit is not written everywhere',
    );
  }
  if (trial === undefined && status.untold !== undefined) {
    const { message, detail } = status.untold;
    return act({ type: 'update.rollBack', ref, failure: status.untold }, `${message}: ${detail}`);
  }
  if (trial === undefined) return planProposal(ref, spec, status, snapshot, nowMs);

  const fail = (code: Failure['status'], message: string, detail: string, because: readonly Cause[] = []): Plan => {
    const failure = failureOf(trial, code, message, detail);
    return act({ type: 'update.rollBack', ref, failure }, `${message}: ${detail}`, because);
  };
  // Given up already, and cut off at that: what was written down is the reason, whatever has become of it since.
  const recorded = status.failures[trial.revision];
  if (recorded?.hash === trial.hash) return fail(recorded.status, recorded.message, recorded.detail);
  if (trial.interrupted) {
    const { untried } = trial;
    const why = untried === undefined ? 'the daemon ended during the trial' : `it was not tried: ${untried}`;
    return fail('ERROR', 'Unexpected rollback', why);
  }
  if (status.unreadable !== undefined) return fail('ERROR', 'State JSON has bad format', status.unreadable);
  if (status.unsound !== undefined) return fail('ERROR', 'Object validation went wrong', status.unsound);
  if (snapshot.revision !== trial.revision) return waitFor([], 'the revision is being read');

  const hopeless = whyHopeless(snapshot, nowMs);
  if (hopeless === undefined && nowMs >= trialLimitMs(trial, snapshot)) {
    return fail('ERROR', 'Status goal not reached', 'its containers were started anew again and again');
  }
  return hopeless === undefined
    ? planTrial(ref, trial, snapshot, nowMs)
    : fail('ERROR', hopeless.message, hopeless.detail, hopeless.because);
};

/**
 * When a trial must be decided (monotonic). Until its goals are reached, its groups bound it, one after the other; this
 * is for what they do not see. After that, it has the commit delay, the longest `stable_timeout` and the time of one
 * group, in which a container may recover once: one that goes on ending and starting again is not stable.
 */
const trialLimitMs = (trial: Trial, snapshot: Snapshot): number => {
  const timeoutsMs = groupsIn(snapshot).map(({ spec }) => (spec?.timeoutSeconds ?? 0) * 1000);
  const { startedAtMs, testedAtMs, commitAtMs = 0 } = trial;
  if (testedAtMs === undefined) {
    const sumMs = timeoutsMs.reduce((sum, timeoutMs) => sum + timeoutMs, 0);
    return startedAtMs + sumMs * TRIAL_PATIENCE + 2 * longestStabilityMs(snapshot);
  }
  const heldMs = Math.max(0, commitAtMs - testedAtMs) + longestStabilityMs(snapshot);
  return testedAtMs + 2 * heldMs + Math.max(0, ...timeoutsMs);
};

/** A newer proposal ends a trial, also one that still waits for its reboot; not one that goes back already. */
const planSuperseding = (ref: Ref<'update'>, spec: UpdateSpec | undefined, status: UpdateStatus): Plan | undefined => {
  const { committed, trial } = status;
  if (spec === undefined || trial === undefined || trial.interrupted || !isNew(spec, trial)) return undefined;
  if (!isNew(spec, committed)) {
    const detail = `${spec.revision}, the committed revision, was asked for`;
    const failure = failureOf(trial, 'CANCELLED', 'Update aborted', detail);
    return act({ type: 'update.rollBack', ref, failure }, `Update aborted: ${detail}`, ['desired']);
  }
  if (failedBefore(spec, Object.values(status.failures)) !== undefined) return undefined;
  const superseded = failureOf(trial, 'CANCELLED', 'Update aborted', `superseded by ${spec.revision}`);
  // What is broken now may be the doing of the trial that ends.
  const { brokenBefore = {} } = status;
  return act(
    { type: 'update.try', ref, revision: spec, fallback: committed.revision, brokenBefore, superseded },
    superseded.detail,
    ['desired'],
  );
};

/** Everything is taken down first, in its order; a device that cannot let go of something boots all the same. */
const planReboot = (ref: Ref<'update'>, reason: string, snapshot: Snapshot): Plan => {
  const left = refsIn(snapshot).filter((other) => other !== ref && snapshot.observed[other] !== undefined);
  const moving = left.filter((other) => !isStuck(other, snapshot));
  if (moving.length > 0) return waitFor(moving, `everything is taken down before the reboot: ${reason}`);
  return act({ type: 'update.reboot', ref, reason }, reason, [ref, 'desired']);
};

const isStuck = (ref: Ref, snapshot: Snapshot): boolean =>
  (snapshot.failures[ref]?.attempts ?? 0) >= FATAL_ATTEMPTS || snapshot.plans[ref]?.outcome === 'stalled';

const isNew = (spec: UpdateSpec, known: Identity): boolean => !isSameRevision(spec, known);

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
  nowMs: number,
): Plan => {
  if (spec === undefined || !isNew(spec, status.committed)) return planCommitted(ref, status, snapshot, nowMs);
  const known = failedBefore(spec, Object.values(status.failures));
  const refused = snapshot.failures[ref];
  if (known !== undefined) {
    const holding = planLifeline(ref, status, snapshot, nowMs);
    const told = `this content was tried before and failed: ${known.message}: ${known.detail}`;
    return holding === undefined ? stall(told) : holding;
  }
  if (refused?.action === 'update.try' && refused.attempts >= FATAL_ATTEMPTS) {
    const failure: Failure = { ...spec, status: 'ERROR', message: 'Internal error', detail: refused.message };
    return act({ type: 'update.rollBack', ref, failure }, refused.message);
  }
  return act(
    {
      type: 'update.try',
      ref,
      revision: spec,
      fallback: status.committed.revision,
      brokenBefore: brokenIn(snapshot, nowMs),
    },
    `${spec.revision} was proposed`,
    ['desired'],
  );
};

const planCommitted = (ref: Ref<'update'>, status: UpdateStatus, snapshot: Snapshot, nowMs: number): Plan => {
  const { revision } = status.committed;
  if (status.standIn !== undefined) {
    return stall(
      `revision ${revision} cannot be used: ${status.standIn.reason}; ${status.standIn.revision} runs in its place`,
    );
  }
  if (status.unreadable !== undefined) return stall(`revision ${revision} cannot be used: ${status.unreadable}`);
  const holding = planLifeline(ref, status, snapshot, nowMs);
  if (holding !== undefined) return holding;
  return status.unsound === undefined ? CONVERGED : stall(`revision ${revision} is damaged: ${status.unsound}`);
};

/** Whether what a rollback went back to is any good. */
const planLifeline = (
  ref: Ref<'update'>,
  { lifeline, committed }: UpdateStatus,
  snapshot: Snapshot,
  nowMs: number,
): Plan | undefined => {
  if (lifeline === undefined) return undefined;
  const hold = (stage: Lifeline['stage'] | 'none', reason: string): Plan =>
    act({ type: 'update.hold', ref, stage, reason }, reason);
  if (lifeline.stage === 'safe') return stall(`safe mode, only containers with role mgmt run: ${lifeline.reason}`);
  // Neither what was given up nor a device that is taken down says anything about what is to be held.
  const held = lifeline.stage === 'factory' ? '0' : committed.revision;
  if (snapshot.revision !== held) return waitFor([], 'the revision is being read');

  // It ran well before: what the device refuses for a moment is given the time that goals have.
  const hopeless = whyLate(snapshot, nowMs);
  if (hopeless !== undefined) {
    const reason = `${snapshot.revision} failed too: ${hopeless.message}: ${hopeless.detail}`;
    return hold(lifeline.stage === 'verifying' && lifeline.factoryUsable ? 'factory' : 'safe', reason);
  }
  const goals = planGoals(snapshot);
  if (goals !== undefined) return goals;
  if (lifeline.stage === 'factory') {
    return stall(`revision 0 runs in place of ${committed.revision}: ${lifeline.reason}`);
  }
  return hold('none', `${committed.revision} has reached its goals again`);
};

const planTrial = (ref: Ref<'update'>, trial: Trial, snapshot: Snapshot, nowMs: number): Plan => {
  const goals = planGoals(snapshot);
  if (goals !== undefined) {
    const untilMs = Math.min(goals.untilMs ?? Number.MAX_SAFE_INTEGER, trialLimitMs(trial, snapshot));
    return waitUntil(untilMs, goals.reason, goals.on);
  }
  if (trial.commitAtMs === undefined) {
    const goals = containersIn(snapshot).map((container) => container.ref);
    return act({ type: 'update.test', ref, revision: trial.revision }, 'all goals are reached', goals);
  }
  // A container that began anew meanwhile has to hold its goal for the whole delay, too.
  const delayMs = trial.commitAtMs - (trial.testedAtMs ?? trial.commitAtMs);
  const heldAtMs = Math.max(trial.commitAtMs, latestGoal(snapshot) + delayMs);
  if (nowMs < heldAtMs) return waitUntil(heldAtMs, 'Awaiting to see if update is stable');

  const stableAtMs = latestStability(snapshot);
  if (nowMs < stableAtMs) return waitUntil(stableAtMs, 'Waiting for all containers to become stable');
  return act({ type: 'update.commit', ref, revision: trial.revision }, 'it stayed stable');
};

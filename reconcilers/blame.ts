/**
 * What a trial may be blamed for: what it made worse, never what was broken before it began.
 *
 * When a trial begins, everything that is broken is written down with a fingerprint of what was wanted of it. As long
 * as the same is wanted, neither the trial nor the rollback after it is judged by such a resource. A resource that has
 * not had its time yet is not broken: it has to reach its goal.
 */
import type { ContainerSpec, ContainerStatus } from '../resources/kinds/container.ts';
import type { BrokenBefore } from '../resources/kinds/update.ts';
import type { Ref } from '../resources/ref.ts';
import type { Resource, Snapshot } from '../resources/snapshot.ts';
import { brokenBefore, wasBrokenAs } from './broken-before.ts';
import { rulesOf } from './kinds.ts';
import { decideRecovery, UNMANAGED_RESET_MS } from './recovery.ts';
import { containersIn, groupsIn, isAlive, refsIn } from './relations.ts';

const fingerprintOf = (ref: Ref, { desired }: Snapshot): string | undefined => {
  const spec = desired[ref];
  return spec === undefined ? undefined : rulesOf(ref).fingerprint?.(spec);
};

/** It was broken before the trial began, and nothing else is wanted of it now. */
export const isExcused = (ref: Ref, snapshot: Snapshot): boolean =>
  wasBrokenAs(ref, fingerprintOf(ref, snapshot), snapshot);

/** What is broken at this moment. What was broken before an earlier trial that is not settled stays so. */
export const brokenIn = (snapshot: Snapshot, nowMs: number): BrokenBefore => {
  const broken = refsIn(snapshot).filter((ref) => isRefused(ref, snapshot));
  for (const container of containersIn(snapshot)) if (isFailing(container, snapshot, nowMs)) broken.push(container.ref);
  const fingerprints = broken.flatMap((ref) => {
    const fingerprint = fingerprintOf(ref, snapshot);
    return fingerprint === undefined ? [] : [[ref, fingerprint] as const];
  });
  return { ...brokenBefore(snapshot), ...Object.fromEntries(fingerprints) };
};

/** The device refuses it, or nothing will help. What safe mode holds back was not broken: it has to reach its goal. */
const isRefused = (ref: Ref, snapshot: Snapshot): boolean => {
  const { failures, plans, desired } = snapshot;
  const spec = desired[ref];
  if (spec !== undefined && 'heldBack' in spec) return false;
  return failures[ref] !== undefined || plans[ref]?.outcome === 'stalled';
};

const isFailing = ({ spec, status }: Resource<'container'>, snapshot: Snapshot, nowMs: number): boolean => {
  if (spec === undefined || spec.stopped || status === undefined || status.definition !== spec.definition) return false;
  if (status.phase === 'exited') {
    return status.run.stopRequestedAtMs === undefined && decideRecovery(spec, status, false).type !== 'complete';
  }
  if (!isAlive(status) || status.run.stopRequestedAtMs !== undefined) return false;
  const ranMs = nowMs - status.run.startedAtMs;
  if (status.retries > 0 && ranMs < forgivingMs(spec)) return true;
  return spec.statusGoal === 'READY' && isOverdue(spec, status, snapshot, nowMs);
};

/** How long a run has to be before what went wrong earlier no longer counts. */
const forgivingMs = ({ autoRecovery }: ContainerSpec): number =>
  Math.max((autoRecovery?.resetWindowSeconds ?? 0) * 1000, UNMANAGED_RESET_MS);

const isOverdue = (
  spec: ContainerSpec,
  { run }: Extract<ContainerStatus, { phase: 'starting' | 'running' }>,
  snapshot: Snapshot,
  nowMs: number,
): boolean => {
  const group = groupsIn(snapshot).find(({ ref }) => ref === spec.group);
  return run.readyAtMs === undefined && nowMs >= run.startedAtMs + (group?.spec?.timeoutSeconds ?? 0) * 1000;
};

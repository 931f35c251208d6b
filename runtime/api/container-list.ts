/** `GET /containers` and the rules of `PUT /containers/{name}`. Pure; field order is part of the API. */
import type { ContainerSpec, ContainerStatus } from '../../resources/kinds/container.ts';
import { isOfKind, nameOf, type Ref, refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { ControlAnswer } from './ports.ts';
import { backoffText } from './recovery-view.ts';
import type { StatusNames } from './status-timeline.ts';

/** When a run reached its goal; undefined: it did not, or does not run. */
const goalReachedAtMs = (spec: ContainerSpec, status: ContainerStatus | undefined): number | undefined => {
  if (status?.phase !== 'running') return undefined;
  return spec.statusGoal === 'READY' ? status.run.readyAtMs : status.run.startedAtMs;
};

/** When it counts as stable; undefined: not before something else changes, or nobody asks. */
const stableAtMs = (spec: ContainerSpec, status: ContainerStatus | undefined): number | undefined => {
  const reachedAtMs = goalReachedAtMs(spec, status);
  if (reachedAtMs === undefined || spec.autoRecovery === undefined) return undefined;
  return reachedAtMs + spec.autoRecovery.stableTimeoutSeconds * 1000;
};

const recoveryOf = (spec: ContainerSpec, status: ContainerStatus | undefined, nowMs: number) => {
  const recovery = spec.autoRecovery;
  if (recovery === undefined || recovery.policy === 'no') return {};
  const atMs = stableAtMs(spec, status);
  const isStable = atMs !== undefined && nowMs >= atMs;
  return {
    auto_recovery: {
      policy: recovery.policy,
      max_retries: recovery.maxRetries,
      current_retries: status?.retries ?? 0,
      stable_timeout: recovery.stableTimeoutSeconds,
      is_stable: String(isStable),
      backoff_policy: backoffText(recovery.backoffPolicy),
    },
  };
};

/** Containers that the running revision declares, in its order. */
export const containerList = (snapshot: Snapshot, nowMs: number, names: StatusNames): readonly object[] =>
  declaredContainers(snapshot).map((ref) => {
    const { spec, status } = resourceIn(snapshot, ref);
    if (spec === undefined) return {};
    return {
      name: spec.name,
      group: nameOf(spec.group),
      status: names.containerStatusName(ref, snapshot),
      status_goal: spec.statusGoal,
      restart_policy: spec.restartPolicy,
      roles: spec.roles,
      ...recoveryOf(spec, status, nowMs),
      ...(spec.restartPolicy === 'container' ? { user_stopped: String(spec.stopped) } : {}),
    };
  });

/** When the list changes by time alone: the next container becomes stable. */
export const listChangesAtMs = (snapshot: Snapshot, nowMs: number): number => {
  const times = declaredContainers(snapshot).flatMap((ref) => {
    const { spec, status } = resourceIn(snapshot, ref);
    const atMs = spec === undefined ? undefined : stableAtMs(spec, status);
    return atMs !== undefined && atMs > nowMs ? [atMs] : [];
  });
  return Math.min(...times);
};

const declaredContainers = (snapshot: Snapshot): readonly Ref<'container'>[] => {
  const order = (ref: Ref<'container'>): number => resourceIn(snapshot, ref).spec?.order ?? 0;
  const refs = (Object.keys(snapshot.desired) as Ref[]).filter((ref) => isOfKind('container', ref)); // keys of Record<Ref, …>
  return refs.sort((a, b) => order(a) - order(b));
};

/** Why a container cannot be controlled at all, whatever the action; looked at before the body is. */
export const ownershipRefusal = (name: string, snapshot: Snapshot): Required<ControlAnswer> | undefined => {
  const { spec } = resourceIn(snapshot, refOf('container', name));
  if (spec === undefined) return { status: 404, message: 'Container not found' };
  if (spec.restartPolicy !== 'container')
    return { status: 403, message: "Container has restart_policy 'system' and cannot be controlled via API" };
  if (spec.heldBack !== undefined) return { status: 409, message: `Container is held back: ${spec.heldBack}` };
  return undefined;
};

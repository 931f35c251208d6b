/** `GET /containers` and the rules of `PUT /containers/{name}` (ctrl-api.md §5.1, §5.2). Pure; field order is part of the API. */
import type { ContainerSpec, ContainerStatus } from '../../resources/container.ts';
import { isOfKind, nameOf, type Ref, refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { ControlAnswer } from './deps.ts';
import { backoffText } from './recovery-view.ts';
import type { StatusNames } from './timeline.ts';

/** When a run reached its goal; undefined: it did not, or does not run. */
const goalReachedAtMs = (spec: ContainerSpec, status: ContainerStatus | undefined): number | undefined => {
  if (status?.phase !== 'running') return undefined;
  return spec.statusGoal === 'READY' ? status.run.readyAtMs : status.run.startedAtMs;
};

const recoveryOf = (spec: ContainerSpec, status: ContainerStatus | undefined, nowMs: number) => {
  const recovery = spec.autoRecovery;
  if (recovery === undefined || recovery.policy === 'no') return {};
  const reachedAtMs = goalReachedAtMs(spec, status);
  const isStable = reachedAtMs !== undefined && nowMs - reachedAtMs >= recovery.stableTimeoutSeconds * 1000;
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
  return undefined;
};

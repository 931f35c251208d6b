/** Statuses and goals, in Pantavisor's words: what the control socket shows and what groups gate on. */
import type { ContainerSpec, ContainerStatus } from '../resources/kinds/container.ts';
import { CONTAINER_STATUSES, type ContainerStatusName } from '../resources/kinds/goal.ts';
import { nameOf, type Ref } from '../resources/ref.ts';
import { type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { isOnTrial } from './container.ts';
import { decideRecovery, type Exited } from './recovery.ts';
import { isStarting } from './relations.ts';
import { isMounted } from './volume.ts';

export const statusNameOf = (ref: Ref<'container'>, snapshot: Snapshot): ContainerStatusName => {
  const { spec, status } = resourceIn(snapshot, ref);
  if (status === undefined) return 'NONE';
  switch (status.phase) {
    case 'installed':
      // While LXC is at it nobody looks: the start itself says so.
      return isStarting(ref, snapshot) ? 'STARTING' : nameOfInstalled(spec, snapshot);
    case 'starting':
      return 'STARTING';
    case 'running':
      if (status.run.stopRequestedAtMs !== undefined) return 'STOPPING';
      return status.run.readyAtMs !== undefined ? 'READY' : 'STARTED';
    case 'exited':
      if (spec === undefined || spec.stopped) return 'STOPPED';
      return decideRecovery(spec, status, isOnTrial(ref, status, snapshot)).type === 'restart'
        ? 'RECOVERING'
        : 'STOPPED';
    default:
      return status satisfies never;
  }
};

const nameOfInstalled = (spec: ContainerSpec | undefined, snapshot: Snapshot): ContainerStatusName => {
  if (spec === undefined) return 'INSTALLED';
  if (spec.stopped) return 'STOPPED';
  const group = resourceIn(snapshot, spec.group);
  if (group.status?.revision !== group.spec?.revision) return 'BLOCKED';
  return spec.volumes.every((volume) => isMounted(resourceIn(snapshot, volume))) ? 'MOUNTED' : 'INSTALLED';
};

/** `idle`: neither reached nor expected, because an operator stopped it or its work is done. */
export type GoalState = { readonly type: 'achieved'; readonly sinceMs: number } | { readonly type: 'pending' | 'idle' };

const PENDING: GoalState = { type: 'pending' };
const IDLE: GoalState = { type: 'idle' };

export const goalOf = ({ ref, spec, status }: Resource<'container'>, snapshot: Snapshot): GoalState => {
  if (spec === undefined) return IDLE;
  if (status === undefined || status.definition !== spec.definition) return PENDING;
  if (spec.stopped) return IDLE;
  switch (status.phase) {
    case 'installed': {
      const mounted = spec.statusGoal === 'MOUNTED' && nameOfInstalled(spec, snapshot) === 'MOUNTED';
      return mounted ? { type: 'achieved', sinceMs: 0 } : PENDING;
    }
    case 'starting':
      return PENDING;
    case 'running':
      return goalOfRunning(spec, status);
    case 'exited':
      return goalOfExited(spec, status, isOnTrial(ref, status, snapshot));
    default:
      return status satisfies never;
  }
};

/** One that has given up is told of, and holds up neither later groups nor an update of something else. */
const goalOfExited = (spec: ContainerSpec, status: Exited, onTrial: boolean): GoalState => {
  const { type } = decideRecovery(spec, status, onTrial);
  return type === 'complete' || (type === 'give-up' && !onTrial) ? IDLE : PENDING;
};

const goalOfRunning = (spec: ContainerSpec, status: Extract<ContainerStatus, { phase: 'running' }>): GoalState => {
  const { run, generation } = status;
  if (run.stopRequestedAtMs !== undefined || generation !== spec.generation) return PENDING;
  const sinceMs = spec.statusGoal === 'READY' ? run.readyAtMs : run.startedAtMs;
  return sinceMs === undefined ? PENDING : { type: 'achieved', sinceMs };
};

/** Members that have not reached their goals. */
export const pendingMembers = (group: Resource<'group'>, snapshot: Snapshot): Ref<'container'>[] =>
  (group.spec?.members ?? []).filter((member) => goalOf(resourceIn(snapshot, member), snapshot).type === 'pending');

/** Lowest status among the members that have not reached their goals; READY when all have. */
export const groupStatusNameOf = (ref: Ref<'group'>, snapshot: Snapshot): ContainerStatusName => {
  const lowest = pendingMembers(resourceIn(snapshot, ref), snapshot).map((member) =>
    CONTAINER_STATUSES.indexOf(statusNameOf(member, snapshot)),
  );
  return lowest.length === 0 ? 'READY' : (CONTAINER_STATUSES[Math.min(...lowest)] ?? 'NONE');
};

/** `web is STARTED, its goal is READY`, for each. */
export const describePending = (members: readonly Ref<'container'>[], snapshot: Snapshot): string =>
  members
    .map((member) => {
      const goal = resourceIn(snapshot, member).spec?.statusGoal ?? 'NONE';
      return `${nameOf(member)} is ${statusNameOf(member, snapshot)}, its goal is ${goal}`;
    })
    .join('; ');

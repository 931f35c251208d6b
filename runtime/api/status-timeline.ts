/**
 * What one snapshot cannot tell: since when a status or a condition holds. A pure reducer over the stream of snapshots; bounded by the number of resources.
 */
import type { ContainerStatusName } from '../../resources/kinds/goal.ts';
import { isOfKind, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { type Condition, nextConditions, refsOf } from './conditions.ts';

interface Since {
  readonly state: string;
  readonly atMs: number;
}

export interface Timeline {
  readonly conditions: readonly Condition[];
  /** By resource: the state it is in and when it was first seen in it. */
  readonly since: ReadonlyMap<Ref, Since>;
}

export const EMPTY_TIMELINE: Timeline = { conditions: [], since: new Map() };

export interface StatusNames {
  readonly containerStatusName: (ref: Ref<'container'>, snapshot: Snapshot) => ContainerStatusName;
  readonly groupStatusName: (ref: Ref<'group'>, snapshot: Snapshot) => ContainerStatusName;
}

/** The word for a resource's state: Pantavisor's status for containers and groups, else the outcome of its plan. */
export const stateOf = (ref: Ref, snapshot: Snapshot, names: StatusNames): string => {
  if (isOfKind('container', ref)) return names.containerStatusName(ref, snapshot);
  if (isOfKind('group', ref)) return names.groupStatusName(ref, snapshot);
  return snapshot.plans[ref]?.outcome ?? 'unknown';
};

/** When a container's run says that it entered this state; a daemon that took it over has only just seen it. */
const recordedMs = (ref: Ref, state: string, snapshot: Snapshot): number | undefined => {
  if (!isOfKind('container', ref)) return undefined;
  const { status } = resourceIn(snapshot, ref);
  if (status === undefined || status.phase === 'installed') return undefined;
  const { run } = status;
  switch (state) {
    case 'STARTED':
      return status.phase === 'running' ? run.startedAtMs : undefined;
    case 'READY':
      return run.readyAtMs;
    case 'STOPPING':
      return run.stopRequestedAtMs;
    default:
      return status.phase === 'exited' ? status.exitedAtMs : undefined;
  }
};

/** The timeline after this snapshot. Resources that are gone are forgotten. */
export const nextTimeline = (
  previous: Timeline,
  snapshot: Snapshot,
  time: { readonly nowMs: number; readonly wallTime: Date },
  names: StatusNames,
): Timeline => {
  const since = new Map<Ref, Since>();
  for (const ref of refsOf(snapshot)) {
    const state = stateOf(ref, snapshot, names);
    const before = previous.since.get(ref);
    const recorded = recordedMs(ref, state, snapshot);
    if (recorded !== undefined) since.set(ref, { state, atMs: recorded });
    else since.set(ref, before?.state === state ? before : { state, atMs: time.nowMs });
  }
  return { conditions: nextConditions(previous.conditions, snapshot, time.wallTime), since };
};

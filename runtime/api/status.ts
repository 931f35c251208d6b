/** The status document: what `GET /status` answers, `pvcontrol status` prints and the status page shows. Pure. */
import { KIND_NAMES, type Kind, type Spec, type Status } from '../../resources/catalog.ts';
import type { StatusGoal } from '../../resources/kinds/goal.ts';
import { type Failure, UPDATE } from '../../resources/kinds/update.ts';
import { isOfKind, kindOf, nameOf, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { SourceView } from '../../resources/source-view.ts';
import { type Condition, reasonOf, refsOf } from './conditions.ts';
import { type StatusNames, stateOf, type Timeline } from './status-timeline.ts';

/**
 * starting: no revision was read yet. trying: a new revision is brought up. testing: its goals are reached, the commit
 * delay runs. rolling-back: it is given up. running: the committed revision. factory-fallback: revision 0 runs in its
 * place. safe-mode: of it, only containers with role mgmt run.
 */
export const PHASES = [
  'starting',
  'trying',
  'testing',
  'rolling-back',
  'running',
  'factory-fallback',
  'safe-mode',
] as const;
export type Phase = (typeof PHASES)[number];

export interface ResourceView {
  readonly ref: Ref;
  readonly kind: Kind;
  readonly name: string;
  readonly outcome: 'converged' | 'acting' | 'waiting' | 'stalled' | 'unknown';
  /** Pantavisor's status for containers and groups, the outcome for everything else. */
  readonly state: string;
  /** ISO 8601, wall clock: when `state` began, else when it was first seen. */
  readonly since: string;
  /** Its place among those of its kind; null: none was given. */
  readonly order: number | null;
  /** Containers and groups. */
  readonly goal: StatusGoal | null;
  /** Containers: the name of their group. */
  readonly group: string | null;
  readonly waitingOn: readonly Ref[];
  /** Why it is not converged; empty when it is. */
  readonly reason: string;
  /** Failed attempts in a row of the action that is being tried. */
  readonly attempts: number;
  readonly lastAction: LastActionView | null;
  /** What is wanted; null: nobody wants it. */
  readonly desired: Spec | null;
  /** What the device has; null: nothing. */
  readonly observed: Status | null;
}

export interface LastActionView {
  readonly type: string;
  readonly reason: string;
  readonly result: 'running' | 'done' | 'failed';
  /** ISO 8601, wall clock: when it ended, or began if it runs. */
  readonly at: string;
  /** The device's last answer; while it runs, that of the attempt before. */
  readonly error: { readonly code: string; readonly message: string; readonly retryAt: string } | null;
}

export interface StatusView {
  /** ISO 8601, wall clock: when this was written. */
  readonly time: string;
  /** The revision whose resources are desired now. */
  readonly revision: string | null;
  readonly phase: Phase;
  /** The revision that survives a restart. */
  readonly committed: string | null;
  readonly trial: {
    readonly revision: string;
    readonly fallback: string;
    /** ISO 8601, wall clock; null: its goals are not reached yet. */
    readonly commitAt: string | null;
  } | null;
  /** Revisions that were given up, and why. */
  readonly failed: readonly Failure[];
  readonly progress: { readonly converged: number; readonly total: number };
  readonly conditions: readonly Condition[];
  /** Servers that may want the device to be something. */
  readonly sources: readonly SourceView[];
  readonly resources: readonly ResourceView[];
}

export interface StatusTime {
  readonly nowMs: number;
  readonly wallTime: Date;
}

/** A moment of the monotonic clock as wall time: by how far off it is, so that it holds when the wall clock jumps. */
const wallTimeOf = (atMs: number, { nowMs, wallTime }: StatusTime): string =>
  new Date(wallTime.getTime() - (nowMs - atMs)).toISOString();

const phaseOf = (snapshot: Snapshot): Phase => {
  if (snapshot.revision === undefined) return 'starting';
  const plan = snapshot.plans[UPDATE];
  if (plan?.outcome === 'acting' && plan.next.type === 'update.rollBack') return 'rolling-back';
  const { trial, lifeline } = resourceIn(snapshot, UPDATE).status ?? {};
  if (trial === undefined) {
    if (lifeline?.stage === 'safe') return 'safe-mode';
    return lifeline?.stage === 'factory' ? 'factory-fallback' : 'running';
  }
  return trial.commitAtMs === undefined ? 'trying' : 'testing';
};

const trialOf = (snapshot: Snapshot, time: StatusTime): StatusView['trial'] => {
  const trial = resourceIn(snapshot, UPDATE).status?.trial;
  if (trial === undefined) return null;
  const { revision, fallback, commitAtMs } = trial;
  return { revision, fallback, commitAt: commitAtMs === undefined ? null : wallTimeOf(commitAtMs, time) };
};

const lastActionOf = (ref: Ref, snapshot: Snapshot, time: StatusTime): LastActionView | null => {
  const last = snapshot.lastActions[ref];
  if (last === undefined) return null;
  const failure = snapshot.failures[ref];
  const result = last.finishedAtMs === undefined ? 'running' : failure === undefined ? 'done' : 'failed';
  const error =
    failure === undefined
      ? null
      : { code: failure.code, message: failure.message, retryAt: wallTimeOf(failure.retryAtMs, time) };
  return {
    type: last.action,
    reason: last.reason,
    result,
    at: wallTimeOf(last.finishedAtMs ?? last.startedAtMs, time),
    error,
  };
};

const membershipOf = (ref: Ref, snapshot: Snapshot): Pick<ResourceView, 'goal' | 'group'> => {
  if (isOfKind('container', ref)) {
    const { spec } = resourceIn(snapshot, ref);
    return { goal: spec?.statusGoal ?? null, group: spec === undefined ? null : nameOf(spec.group) };
  }
  return { goal: isOfKind('group', ref) ? (resourceIn(snapshot, ref).spec?.statusGoal ?? null) : null, group: null };
};

const placeOf = (ref: Ref, { desired }: Snapshot): number | null => {
  const spec = desired[ref];
  return spec !== undefined && 'order' in spec ? spec.order : null;
};

type Placed = Pick<ResourceView, 'ref' | 'kind' | 'order'>;

/** By kind, then as declared; what nobody declares comes last. */
export const inPlace = (a: Placed, b: Placed): number =>
  KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind) ||
  (a.order ?? Number.MAX_SAFE_INTEGER) - (b.order ?? Number.MAX_SAFE_INTEGER) ||
  (a.ref < b.ref ? -1 : 1);

/** The status document of a snapshot. */
export const statusView = (
  snapshot: Snapshot,
  timeline: Timeline,
  time: StatusTime,
  names: StatusNames & { readonly sources?: () => readonly SourceView[] },
): StatusView => {
  const resources = refsOf(snapshot).map((ref): ResourceView => {
    const plan = snapshot.plans[ref];
    return {
      ref,
      kind: kindOf(ref),
      name: nameOf(ref),
      outcome: plan?.outcome ?? 'unknown',
      state: stateOf(ref, snapshot, names),
      since: wallTimeOf(timeline.since.get(ref)?.atMs ?? time.nowMs, time),
      order: placeOf(ref, snapshot),
      ...membershipOf(ref, snapshot),
      waitingOn: plan?.outcome === 'waiting' ? plan.on : [],
      reason: reasonOf(snapshot, ref),
      attempts: snapshot.failures[ref]?.attempts ?? 0,
      lastAction: lastActionOf(ref, snapshot, time),
      desired: snapshot.desired[ref] ?? null,
      observed: snapshot.observed[ref] ?? null,
    };
  });
  resources.sort(inPlace);
  const update = resourceIn(snapshot, UPDATE).status;
  const converged = resources.filter(({ outcome }) => outcome === 'converged').length;
  return {
    time: time.wallTime.toISOString(),
    revision: snapshot.revision ?? null,
    phase: phaseOf(snapshot),
    committed: update?.committed.revision ?? null,
    trial: trialOf(snapshot, time),
    failed: Object.values(update?.failures ?? {}),
    progress: { converged, total: resources.length },
    conditions: timeline.conditions,
    sources: names.sources?.() ?? [],
    resources,
  };
};

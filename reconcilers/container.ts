/**
 * Decides the next step for one container.
 *
 *   (nothing) --install--> installed --start--> starting/running --(ends)--> exited --reset--> installed
 *                              |                     | halt, then kill after a grace          |
 *                              +------remove---------+----------------------------------------+--remove--> (nothing)
 *
 * A container that must stop waits for those that were started after it; one that may start waits for its group to
 * open and for its volumes. An exited container lets go of its volumes before it is reset, so that boot storage is
 * fresh at every start.
 */
import type { ContainerSpec, ContainerStatus, Run } from '../resources/kinds/container.ts';
import { UPDATE } from '../resources/kinds/update.ts';
import { act, type Cause, CONVERGED, type Plan, stall, waitFor, waitUntil } from '../resources/plan.ts';
import { nameOf, type Ref } from '../resources/ref.ts';
import { type Reconciler, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { wasBrokenAs } from './broken-before.ts';
import { decideRecovery, type Exited } from './recovery.ts';
import { containersIn, isAlive, volumesOf } from './relations.ts';
import { isForeign, isMounted } from './volume.ts';

/** Seconds that a container gets between the halt signal and the kill, as in Pantavisor. */
export const STOP_GRACE_MS = 5_000;
/** LXC that takes longer to take a container down, after its init is gone, hangs. */
const TEARDOWN_LIMIT_MS = 10_000;
/** Its predecessor may need that long to stop, before its first run. */
export const LONGEST_STOP_MS = STOP_GRACE_MS + TEARDOWN_LIMIT_MS;
/** A monitor that has not brought up init by then never will. */
const START_LIMIT_MS = 30_000;

export const reconcileContainer: Reconciler<'container'> = (container, snapshot, nowMs) => {
  const { ref, spec, status } = container;
  if (status === undefined) {
    if (spec === undefined) return CONVERGED;
    const never = spec.unsupported ?? spec.heldBack;
    if (never !== undefined) return stall(never);
    return act({ type: 'container.install', ref, spec, rank: rankOf(spec, snapshot) }, 'it is part of the revision', [
      'desired',
      ref,
    ]);
  }
  switch (status.phase) {
    case 'installed':
      return planInstalled(ref, spec, status, snapshot);
    case 'starting':
      return planStarting(container, status.run, snapshot, nowMs);
    case 'running':
      return planRunning(container, status, snapshot, nowMs);
    case 'exited':
      return planExited(ref, spec, status, snapshot, nowMs);
    default:
      return status satisfies never;
  }
};

/** Why a living container must not live on as it is; undefined: it may. */
export const reasonToStop = (container: Resource<'container'>, snapshot: Snapshot): string | undefined =>
  whyStop(container, snapshot)?.reason;

interface Why {
  readonly reason: string;
  readonly because: readonly Cause[];
}

const whyStop = (container: Resource<'container'>, snapshot: Snapshot): Why | undefined => {
  const { ref, spec, status } = container;
  if (!isAlive(status)) return undefined;
  const retired = reasonToRetire(spec, status);
  if (retired !== undefined) return { reason: retired, because: ['desired'] };
  if (spec?.stopped) return { reason: 'the operator stopped it', because: ['desired'] };
  if (status.phase === 'running' && !status.rootIntact) {
    return { reason: 'a directory of its root file system was removed', because: [ref] };
  }
  const replaced = Object.entries(status.run.volumes).find(([volume, identity]) => {
    const mounted = resourceIn(snapshot, volume as Ref<'volume'>);
    if (mounted.status === undefined || isForeign(mounted, container)) return false;
    return mounted.status.identity !== identity || mounted.status.deleted || mounted.status.type === 'foreign';
  });
  if (replaced === undefined) return undefined;
  return { reason: `${replaced[0]} is not what it was started with`, because: [replaced[0] as Ref<'volume'>] };
};

const reasonToRetire = (spec: ContainerSpec | undefined, status: ContainerStatus): string | undefined => {
  if (spec === undefined) return 'it is not part of the revision';
  if (spec.unsupported !== undefined) return spec.unsupported;
  if (spec.heldBack !== undefined) return spec.heldBack;
  if (spec.definition !== status.definition) return `its definition changed in revision ${spec.revision}`;
  return spec.generation !== status.generation ? 'a restart was requested' : undefined;
};

const rankOf = (spec: ContainerSpec, snapshot: Snapshot): number => resourceIn(snapshot, spec.group).spec?.order ?? 0;

const mountedVolumesOf = (ref: Ref<'container'>, snapshot: Snapshot): readonly Ref<'volume'>[] =>
  volumesOf(ref, snapshot).filter((volume) => resourceIn(snapshot, volume).status !== undefined);

/** Stopped containers hold no mounts: the record goes when the last volume is off. */
const removeWhenUnmounted = (ref: Ref<'container'>, reason: string, snapshot: Snapshot): Plan => {
  const mounted = mountedVolumesOf(ref, snapshot);
  if (mounted.length > 0) return waitFor(mounted, 'its volumes are still mounted');
  return act({ type: 'container.remove', ref }, reason, ['desired', ref]);
};

const planInstalled = (
  ref: Ref<'container'>,
  spec: ContainerSpec | undefined,
  status: ContainerStatus,
  snapshot: Snapshot,
): Plan => {
  const retired = reasonToRetire(spec, status);
  if (spec === undefined || retired !== undefined) return removeWhenUnmounted(ref, retired ?? '', snapshot);
  if (spec.stopped) return CONVERGED;
  if (spec.damaged !== undefined) return stall(`it is not started: ${spec.damaged}`);

  const group = resourceIn(snapshot, spec.group);
  if (group.spec !== undefined && group.status?.revision !== group.spec.revision) {
    return waitFor([spec.group], `group ${group.spec.name} is not open yet`);
  }
  const missing = spec.volumes.filter((volume) => !isMounted(resourceIn(snapshot, volume)));
  if (missing.length > 0)
    return waitFor(missing, `${missing.length === 1 ? 'a volume is' : 'volumes are'} not mounted yet`);
  if (spec.statusGoal === 'MOUNTED') return CONVERGED;

  const identities = spec.volumes.map(
    (volume) => [volume, resourceIn(snapshot, volume).status?.identity ?? ''] as const,
  );
  return act(
    { type: 'container.start', ref, spec, volumes: Object.fromEntries(identities) },
    `its goal is ${spec.statusGoal}`,
    [spec.group, ...spec.volumes],
  );
};

const planStarting = (container: Resource<'container'>, run: Run, snapshot: Snapshot, nowMs: number): Plan => {
  const { ref } = container;
  const why = whyStop(container, snapshot);
  if (why !== undefined) return act({ type: 'container.kill', ref, reason: why.reason }, why.reason, why.because);
  const limitMs = run.startedAtMs + START_LIMIT_MS;
  if (nowMs >= limitMs)
    return act({ type: 'container.kill', ref, reason: 'init did not come up' }, 'init did not come up');
  return waitUntil(limitMs, 'init is coming up');
};

const planRunning = (
  container: Resource<'container'>,
  status: Extract<ContainerStatus, { phase: 'running' }>,
  snapshot: Snapshot,
  nowMs: number,
): Plan => {
  const { ref } = container;
  if (status.endingSinceMs !== undefined) return planEnding(ref, status.endingSinceMs, nowMs);
  const requestedAtMs = status.run.stopRequestedAtMs;
  const asked: Why | undefined =
    requestedAtMs === undefined ? undefined : { reason: 'it was asked to stop', because: [ref] };
  const why = whyStop(container, snapshot) ?? asked;
  if (why === undefined) {
    if (status.frozen) return act({ type: 'container.unfreeze', ref }, 'it was frozen by somebody else');
    return CONVERGED;
  }
  const { reason, because } = why;
  if (requestedAtMs === undefined) {
    const later = laterStopping(status.rank, snapshot);
    if (later.length > 0) return waitFor(later, `${reason}; those that were started after it stop first`);
    // A frozen init cannot take the signal.
    if (status.frozen) return act({ type: 'container.kill', ref, reason }, reason, [...because, ref]);
    return act({ type: 'container.halt', ref, reason }, reason, because);
  }
  const graceEndsAtMs = requestedAtMs + STOP_GRACE_MS;
  if (nowMs < graceEndsAtMs) return waitUntil(graceEndsAtMs, `${reason}; it has the halt signal and some time`);
  return act({ type: 'container.kill', ref, reason }, `${reason}; it did not stop in ${STOP_GRACE_MS / 1000} s`);
};

const planEnding = (ref: Ref<'container'>, sinceMs: number, nowMs: number): Plan => {
  const limitMs = sinceMs + TEARDOWN_LIMIT_MS;
  if (nowMs < limitMs) return waitUntil(limitMs, 'it has ended, and LXC takes it down');
  const reason = `LXC did not take it down in ${TEARDOWN_LIMIT_MS / 1000} s`;
  return act({ type: 'container.kill', ref, reason }, reason);
};

const laterStopping = (rank: number, snapshot: Snapshot): Ref<'container'>[] =>
  containersIn(snapshot)
    .filter((other) => isAlive(other.status) && other.status.rank > rank && reasonToStop(other, snapshot) !== undefined)
    .map(({ ref }) => ref);

const planExited = (
  ref: Ref<'container'>,
  spec: ContainerSpec | undefined,
  status: Exited,
  snapshot: Snapshot,
  nowMs: number,
): Plan => {
  const retired = reasonToRetire(spec, status);
  if (spec === undefined || retired !== undefined) return removeWhenUnmounted(ref, retired ?? '', snapshot);

  const mounted = mountedVolumesOf(ref, snapshot);
  if (mounted.length > 0) return waitFor(mounted, 'its volumes are unmounted before it may start again');
  if (spec.stopped) return CONVERGED;

  const recovery = decideRecovery(spec, status, isOnTrial(ref, status, snapshot));
  switch (recovery.type) {
    case 'complete':
      return CONVERGED;
    case 'give-up':
      return stall(`${nameOf(ref)}: ${recovery.reason}`);
    case 'restart':
      if (nowMs < recovery.atMs) return waitUntil(recovery.atMs, recovery.reason);
      return act({ type: 'container.reset', ref, retries: recovery.retries }, recovery.reason);
    default:
      return recovery satisfies never;
  }
};

/** Whether a trial is to be blamed for the end of a container. What ended before, or was broken before, goes on by its policy. */
export const isOnTrial = (ref: Ref<'container'>, { exitedAtMs }: Exited, snapshot: Snapshot): boolean => {
  const trial = resourceIn(snapshot, UPDATE).status?.trial;
  if (trial === undefined || exitedAtMs < trial.startedAtMs) return false;
  return !wasBrokenAs(ref, resourceIn(snapshot, ref).spec?.definition, snapshot);
};

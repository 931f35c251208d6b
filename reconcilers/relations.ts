/**
 * Who belongs to whom, read off one snapshot.
 *
 * The answers are pure functions of the snapshot but cost a pass over it, and every reconciler asks: they are
 * kept per snapshot, and vanish with it.
 */
import type { Kind } from '../resources/catalog.ts';
import type { ContainerStatus } from '../resources/kinds/container.ts';
import { isOfKind, nameOf, type Ref, refOf } from '../resources/ref.ts';
import { type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';

/** Computes once per snapshot. */
export const perSnapshot = <T>(compute: (snapshot: Snapshot) => T): ((snapshot: Snapshot) => T) => {
  const known = new WeakMap<Snapshot, T>();
  return (snapshot) => {
    const earlier = known.get(snapshot);
    if (earlier !== undefined) return earlier;
    const computed = compute(snapshot);
    known.set(snapshot, computed);
    return computed;
  };
};

const everyRef = perSnapshot((snapshot) => [
  ...new Set([...(Object.keys(snapshot.desired) as Ref[]), ...(Object.keys(snapshot.observed) as Ref[])]),
]);

/** Every resource that somebody wants or the device has. */
export const refsIn = (snapshot: Snapshot): readonly Ref[] => everyRef(snapshot);

const resourcesOf = <K extends Kind>(kind: K): ((snapshot: Snapshot) => readonly Resource<K>[]) =>
  perSnapshot((snapshot) =>
    refsIn(snapshot)
      .filter((ref) => isOfKind(kind, ref))
      .map((ref) => resourceIn(snapshot, ref)),
  );

export const containersIn = resourcesOf('container');

export const disksIn = resourcesOf('disk');

/** Groups that are wanted, in the order they start. */
export const groupsIn: (snapshot: Snapshot) => readonly Resource<'group'>[] = perSnapshot((snapshot) =>
  resourcesOf('group')(snapshot)
    .filter(({ spec }) => spec !== undefined)
    .sort((a, b) => (a.spec?.order ?? 0) - (b.spec?.order ?? 0)),
);

/** `volume/web/data` belongs to `container/web`. */
export const ownerOf = (volume: Ref<'volume'>): Ref<'container'> => {
  const name = nameOf(volume);
  return refOf('container', name.slice(0, name.indexOf('/')));
};

const volumesByOwner = perSnapshot((snapshot) =>
  Map.groupBy(
    refsIn(snapshot).filter((ref) => isOfKind('volume', ref)),
    ownerOf,
  ),
);

/** Every volume of a container, wanted or left over. */
export const volumesOf = (container: Ref<'container'>, snapshot: Snapshot): readonly Ref<'volume'>[] =>
  volumesByOwner(snapshot).get(container) ?? [];

/** Its processes may still use files. */
export const isAlive = (
  status: ContainerStatus | undefined,
): status is Extract<ContainerStatus, { phase: 'starting' | 'running' }> =>
  status?.phase === 'starting' || status?.phase === 'running';

/** It is being started at this moment: nobody has seen it alive yet, and it uses its volumes already. */
export const isStarting = (ref: Ref<'container'>, { lastActions }: Snapshot): boolean => {
  const last = lastActions[ref];
  return last?.action === 'container.start' && last.finishedAtMs === undefined;
};

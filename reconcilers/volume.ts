/**
 * Decides the next step for one volume. It is mounted while its container is installed or lives, and is taken off
 * when that has ended, also for a restart: boot storage must be new at every start.
 */

import type { VolumeSource, VolumeStatus } from '../resources/kinds/volume.ts';
import { act, CONVERGED, stall, waitFor } from '../resources/plan.ts';
import type { Ref } from '../resources/ref.ts';
import { type Reconciler, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { isAlive, isStarting, ownerOf } from './relations.ts';

export const reconcileVolume: Reconciler<'volume'> = (volume, snapshot) => {
  const { ref, spec, status } = volume;
  const owner = resourceIn(snapshot, ownerOf(ref));
  const alive = isAlive(owner.status) || isStarting(owner.ref, snapshot);
  const wanted = isWanted(ref, snapshot);

  if (status === undefined) {
    if (!wanted || spec === undefined) return CONVERGED;
    if (spec.unsupported !== undefined) return stall(spec.unsupported);
    return act(
      { type: 'volume.mount', ref, spec },
      alive ? 'it was unmounted behind our back' : 'its container needs it',
      [alive ? ref : owner.ref],
    );
  }

  // What a container was started with serves it well, also where the paths of the revision are others by now.
  const isKept = alive && !status.deleted && status.type !== 'foreign' && isFirstTree(ref, status, owner);
  if (wanted && (isKept || isMounted(volume))) return CONVERGED;
  if (isForeign(volume, owner)) {
    return stall(`something else is mounted on ${status.target}: unmount it, it is not ours to touch`);
  }
  // A living container keeps what it was started with; it is the container's turn to stop first.
  if (alive) return waitFor([owner.ref], 'the container that uses it still runs');
  return act(
    { type: 'volume.unmount', ref, target: status.target },
    wanted ? 'it is not the tree that is declared' : 'no container needs it now',
    [wanted ? ref : owner.ref],
  );
};

/** Mounted, and showing what is declared. */
export const isMounted = ({ spec, status }: Resource<'volume'>): boolean =>
  spec !== undefined && status !== undefined && !status.deleted && shows(spec.source, status);

/**
 * Mounted by somebody else, over ours perhaps. What a former definition left is ours by its place; under the same
 * definition another type of mount cannot be. A running container does not see it.
 */
export const isForeign = ({ ref, spec, status }: Resource<'volume'>, owner: Resource<'container'>): boolean => {
  if (status === undefined || status.ours || isFirstTree(ref, status, owner)) return false;
  if (status.type === 'foreign') return true;
  const isSame = owner.spec !== undefined && owner.spec.definition === owner.status?.definition;
  return isSame && spec !== undefined && status.type !== mountTypeOf(spec.source);
};

/** What the container was started with, though it may have lost its image since. */
const isFirstTree = (ref: Ref<'volume'>, { identity }: VolumeStatus, { status }: Resource<'container'>): boolean =>
  status !== undefined && status.phase !== 'installed' && status.run.volumes[ref] === identity;

const isWanted = (ref: Ref<'volume'>, snapshot: Snapshot): boolean => {
  const owner = resourceIn(snapshot, ownerOf(ref));
  if (owner.spec === undefined || owner.status === undefined) return false;
  if (owner.spec.definition !== owner.status.definition) return false;
  if (isAlive(owner.status)) return true;
  // What is going to be installed anew lets go first.
  const isKept = owner.spec.generation === owner.status.generation && owner.spec.unsupported === undefined;
  return owner.status.phase === 'installed' && isKept && !owner.spec.stopped;
};

const mountTypeOf = ({ type }: VolumeSource): VolumeStatus['type'] =>
  type === 'image' || type === 'tmpfs' ? type : 'bind';

const shows = (source: VolumeSource, mounted: VolumeStatus): boolean => {
  if (mounted.type !== mountTypeOf(source)) return false;
  switch (source.type) {
    case 'image':
      return mounted.sources.includes(source.image);
    case 'tmpfs':
      return true;
    case 'file':
    case 'tree':
    case 'directory':
    case 'scratch':
      return mounted.sources.includes(source.path);
    default:
      return source satisfies never;
  }
};

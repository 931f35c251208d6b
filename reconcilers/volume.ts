/**
 * Decides the next step for one volume. It is mounted while its container is installed or lives, and is taken off
 * when that has ended, also for a restart: boot storage must be new at every start.
 */
import { act, CONVERGED, stall, waitFor } from '../resources/plan.ts';
import { nameOf, type Ref } from '../resources/ref.ts';
import { type Reconciler, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import type { VolumeSource, VolumeStatus } from '../resources/volume.ts';
import { isUp } from './disk.ts';
import { isAlive, ownerOf } from './relations.ts';

export const reconcileVolume: Reconciler<'volume'> = (volume, snapshot) => {
  const { ref, spec, status } = volume;
  const owner = resourceIn(snapshot, ownerOf(ref));
  const alive = isAlive(owner.status);
  const wanted = isWanted(ref, snapshot);

  if (status === undefined) {
    if (!wanted || spec === undefined) return CONVERGED;
    if (spec.unsupported !== undefined) return stall(spec.unsupported);
    if (spec.disk !== undefined && !isUp(resourceIn(snapshot, spec.disk))) {
      return waitFor([spec.disk], `its disk ${nameOf(spec.disk)} is not up`);
    }
    return act(
      { type: 'volume.mount', ref, spec },
      alive ? 'it was unmounted behind our back' : 'its container needs it',
    );
  }

  if (wanted && isMounted(volume)) return CONVERGED;
  // A living container keeps what it was started with; it is the container's turn to stop first.
  if (alive) return waitFor([owner.ref], 'the container that uses it still runs');
  if (status.type === 'foreign') {
    return stall(`something else is mounted on ${status.target}: unmount it, it is not ours to touch`);
  }
  return act(
    { type: 'volume.unmount', ref, target: status.target },
    wanted ? 'it is not the tree that is declared' : 'no container needs it now',
  );
};

/** Mounted, and showing what is declared. */
export const isMounted = ({ spec, status }: Resource<'volume'>): boolean =>
  spec !== undefined && status !== undefined && !status.deleted && shows(spec.source, status);

const isWanted = (ref: Ref<'volume'>, snapshot: Snapshot): boolean => {
  const owner = resourceIn(snapshot, ownerOf(ref));
  if (owner.spec === undefined || owner.status === undefined) return false;
  if (owner.spec.definition !== owner.status.definition) return false;
  return isAlive(owner.status) || (owner.status.phase === 'installed' && !owner.spec.stopped);
};

const shows = (source: VolumeSource, mounted: VolumeStatus): boolean => {
  switch (source.type) {
    case 'image':
      return mounted.type === 'image' && mounted.sources.includes(source.image);
    case 'tmpfs':
      return mounted.type === 'tmpfs';
    case 'file':
    case 'tree':
    case 'directory':
    case 'scratch':
      return mounted.type === 'bind' && mounted.sources.includes(source.path);
    default:
      return source satisfies never;
  }
};

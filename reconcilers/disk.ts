/**
 * Decides the next step for one disk.
 *
 *   (nothing) --provision--> there --format (only a blank one)--> formatted --activate--> mounted, or used as swap
 *
 * and back by deactivate and release, when it is wanted no more and nobody uses it.
 */
import type { DiskSpec, DiskStatus } from '../resources/kinds/disk.ts';
import { act, CONVERGED, type Plan, stall, waitFor } from '../resources/plan.ts';
import { isOfKind, type Ref } from '../resources/ref.ts';
import { type Reconciler, type Resource, resourceIn, type Snapshot } from '../resources/snapshot.ts';
import { refsIn } from './relations.ts';

export const reconcileDisk: Reconciler<'disk'> = ({ ref, spec, status }, snapshot) => {
  if (spec === undefined) return status === undefined ? CONVERGED : planRelease(ref, status, snapshot);
  if (spec.unsupported !== undefined) return stall(spec.unsupported);
  if (status === undefined)
    return act({ type: 'disk.provision', ref, spec }, 'it is part of the revision', ['desired', ref]);
  if (!isSetUpAs(spec, status)) return planRelease(ref, status, snapshot);
  if (status.active) return CONVERGED;
  if (status.foreign) return stall('something else is mounted where it belongs: unmount it, it is not ours to touch');
  if (status.path === undefined) return act({ type: 'disk.provision', ref, spec }, 'its device is not there');
  return planActivate(ref, spec, status, status.path);
};

/** Its volumes can be mounted. */
export const isUp = ({ spec, status }: Resource<'disk'>): boolean =>
  spec === undefined || status === undefined ? false : status.active && isSetUpAs(spec, status);

const isSetUpAs = (spec: DiskSpec, status: DiskStatus): boolean =>
  JSON.stringify([spec.source, spec.use]) === JSON.stringify([status.source, status.use]);

const planActivate = (ref: Ref<'disk'>, spec: DiskSpec, status: DiskStatus, path: string): Plan => {
  const filesystem = spec.use.type === 'swap' ? 'swap' : spec.use.filesystem;
  if (filesystem === undefined || status.contents === filesystem) {
    return act({ type: 'disk.activate', ref, spec, path }, 'it is part of the revision');
  }
  if (status.contents === 'blank') return act({ type: 'disk.format', ref, spec, path }, `${path} is blank`);
  return stall(
    status.contents === undefined
      ? `${path} cannot be read`
      : `${path} holds ${status.contents}, expected ${filesystem} or a blank device: a disk that holds data is never formatted`,
  );
};

const planRelease = (ref: Ref<'disk'>, status: DiskStatus, snapshot: Snapshot): Plan => {
  if (!status.active)
    return act({ type: 'disk.release', ref, status }, 'it is not part of the revision', ['desired', ref]);
  const users = volumesOn(status, snapshot);
  if (users.length > 0) return waitFor(users, 'volumes on it are still mounted');
  return act({ type: 'disk.deactivate', ref, status }, 'it is not part of the revision', ['desired']);
};

/** Mounted volumes whose tree lies below the disk's mount point, whoever declared them. */
const volumesOn = ({ use }: DiskStatus, snapshot: Snapshot): Ref<'volume'>[] =>
  use.type === 'swap'
    ? []
    : refsIn(snapshot)
        .filter((ref) => isOfKind('volume', ref))
        .filter((ref) =>
          resourceIn(snapshot, ref).status?.sources.some((source) => source.startsWith(`${use.target}/`)),
        );

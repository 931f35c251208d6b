/**
 * The one place a kind is declared.
 *
 * A kind is a noun of the device (disk, volume, container, group, update) with a `spec`, what somebody
 * wants, and a `status`, what the device has. Adding a kind is one key here and files of the same name in
 * resources, reconcilers, controllers and test; the compiler lists every other place.
 */
import type { ContainerSpec, ContainerStatus } from './kinds/container.ts';
import type { DiskSpec, DiskStatus } from './kinds/disk.ts';
import type { GroupSpec, GroupStatus } from './kinds/group.ts';
import type { UpdateSpec, UpdateStatus } from './kinds/update.ts';
import type { VolumeSpec, VolumeStatus } from './kinds/volume.ts';

export interface Catalog {
  update: { spec: UpdateSpec; status: UpdateStatus };
  disk: { spec: DiskSpec; status: DiskStatus };
  volume: { spec: VolumeSpec; status: VolumeStatus };
  group: { spec: GroupSpec; status: GroupStatus };
  container: { spec: ContainerSpec; status: ContainerStatus };
}

export type Kind = keyof Catalog;
export type Spec<K extends Kind = Kind> = Catalog[K]['spec'];
export type Status<K extends Kind = Kind> = Catalog[K]['status'];

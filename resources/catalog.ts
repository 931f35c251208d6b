/**
 * The one place a kind is declared.
 *
 * A kind is a noun of the device (disk, volume, container, group, update) with a `spec`, what somebody wants, a
 * `status`, what the device has, and the actions that lead from one to the other. Every table of kinds is a mapped type
 * over this one, so the compiler lists each place that a new kind still lacks; test/kinds shows that it does.
 */
import type { ContainerAction, ContainerSpec, ContainerStatus } from './kinds/container.ts';
import type { DiskAction, DiskSpec, DiskStatus } from './kinds/disk.ts';
import type { GroupAction, GroupSpec, GroupStatus } from './kinds/group.ts';
import type { UpdateAction, UpdateSpec, UpdateStatus } from './kinds/update.ts';
import type { VolumeAction, VolumeSpec, VolumeStatus } from './kinds/volume.ts';

export interface Catalog {
  update: { spec: UpdateSpec; status: UpdateStatus; action: UpdateAction };
  disk: { spec: DiskSpec; status: DiskStatus; action: DiskAction };
  volume: { spec: VolumeSpec; status: VolumeStatus; action: VolumeAction };
  group: { spec: GroupSpec; status: GroupStatus; action: GroupAction };
  container: { spec: ContainerSpec; status: ContainerStatus; action: ContainerAction };
}

export type Kind = keyof Catalog;
export type Spec<K extends Kind = Kind> = Catalog[K]['spec'];
export type Status<K extends Kind = Kind> = Catalog[K]['status'];

/** In the order in which status shows them. */
const ORDER: Readonly<Record<Kind, true>> = { update: true, disk: true, volume: true, group: true, container: true };

export const KIND_NAMES = Object.keys(ORDER) as readonly Kind[];

export const isKind = (name: string): name is Kind => Object.hasOwn(ORDER, name);

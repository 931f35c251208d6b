/** `device.json`: groups, disks, Pantavisor's own volumes and network pools of a device. */
import { z } from 'zod';
import { DiskManifest } from './disk-manifest.ts';
import { GroupManifest } from './group-manifest.ts';
import { PoolsManifest } from './network-manifest.ts';
import { StorageManifest } from './storage-manifest.ts';

export const GroupsManifest = z.array(GroupManifest).min(1);
export const DisksManifest = z.array(DiskManifest).min(1);

/** What editors are shown; the lists are read element by element, so that one fault does not hide another. */
export const DeviceManifest = z.looseObject({
  groups: GroupsManifest,
  disks: DisksManifest.optional(),
  disks_v2: DisksManifest.optional(),
  disks_v3: DisksManifest.optional(),
  volumes: StorageManifest.optional(),
  network: PoolsManifest.optional(),
});

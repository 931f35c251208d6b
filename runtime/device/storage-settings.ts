/** What the configuration says about the storage, whenever somebody asks: user metadata may change it. */
import type { ConfigValues } from '../config/keys.ts';
import type { StorageSettings } from './storage-maintenance.ts';

export const storageSettingsOf = (values: () => ConfigValues): StorageSettings => ({
  // Decides what is there at all, and cannot be changed while it runs.
  checksum: values().PV_SECUREBOOT_CHECKSUM,
  get reservedPercent() {
    return values().PV_STORAGE_GC_RESERVED;
  },
  get keepFactory() {
    return values().PV_STORAGE_GC_KEEP_FACTORY;
  },
  get pendingSeconds() {
    return values().PV_STORAGE_GC_PENDING_DEFERTIME;
  },
  get thresholdPercent() {
    return values().PV_STORAGE_GC_THRESHOLD;
  },
  get defertimeSeconds() {
    return values().PV_STORAGE_GC_THRESHOLD_DEFERTIME;
  },
});

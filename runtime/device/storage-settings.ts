/** What the configuration says about the storage, at this moment: user metadata may change it. */
import type { ConfigValues } from '../config/keys.ts';
import type { StorageSettings } from './storage-maintenance.ts';

export const storageSettingsOf = (values: ConfigValues): StorageSettings => ({
  checksum: values.PV_SECUREBOOT_CHECKSUM,
  reservedPercent: values.PV_STORAGE_GC_RESERVED,
  keepFactory: values.PV_STORAGE_GC_KEEP_FACTORY,
  pendingSeconds: values.PV_STORAGE_GC_PENDING_DEFERTIME,
  thresholdPercent: values.PV_STORAGE_GC_THRESHOLD,
  defertimeSeconds: values.PV_STORAGE_GC_THRESHOLD_DEFERTIME,
});

/** Directories that live in memory: nothing in them outlives a reboot, so nothing in them is ever synced. */
import { statfsSync } from 'node:fs';

/** statfs(2): TMPFS_MAGIC and RAMFS_MAGIC. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];

/** False also when it cannot be told: syncing too much does no harm. */
export const isInMemory = (directory: string): boolean => {
  try {
    return MEMORY_FILE_SYSTEMS.includes(statfsSync(directory).type);
  } catch {
    return false; // not there, or not for us: whoever works in it is told why
  }
};

/** The store of a storage directory that no daemon works on. */
import type { Config } from '../../config/config.ts';
import { storageSettingsOf } from '../../device/storage-settings.ts';
import { DeviceError, type Mounts } from '../../host/host.ts';
import { linuxFiles } from '../../host/linux/files/linux-files.ts';
import { lockDirectories } from '../../host/linux/files/lock.ts';
import { realPaths } from '../../host/linux/files/real-paths.ts';
import { linuxClock } from '../../host/linux/kernel/linux-clock.ts';
import { LinuxMounts } from '../../host/linux/mounts/linux-mounts.ts';
import { MountTable } from '../../host/linux/mounts/mount-table.ts';
import { bootBackEndOn } from '../../store/boot/boot-back-end.ts';
import { Rejection } from '../../store/rejection.ts';
import { usesOf } from '../../store/space/objects-in-use.ts';
import { openStore, type Store } from '../../store/store.ts';

export interface OfflineStore {
  readonly store: Store;
  close(): void;
}

/** Containers of a daemon that was killed may still run: what they use is looked up as a daemon does. */
export const openOffline = async ({ values, bootloader, paths: configured }: Config): Promise<OfflineStore> => {
  const paths = await realPaths(configured);
  if ((await linuxFiles.stat(paths.storage)) === undefined)
    throw new Rejection(`there is no storage ${paths.storage}; name it with --storage DIR`);
  const unlock = lock(paths.storage);
  const table = new MountTable();
  const closing = new AbortController();
  const mounts: Mounts = new LinuxMounts(table, closing.signal);
  const store = await openStore({
    files: linuxFiles,
    clock: linuxClock,
    paths,
    uses: () => usesOf({ files: linuxFiles, mounts }, paths),
    bootloader: await bootBackEndOn(linuxFiles, paths.storage, bootloader),
    limits: () => storageSettingsOf(values),
    onProblem: (subject, message) => process.stderr.write(`${subject}: ${message}\n`),
  });
  return {
    store,
    close: () => {
      closing.abort();
      table.close();
      unlock();
    },
  };
};

const lock = (storage: string): (() => void) => {
  try {
    return lockDirectories([storage]);
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== 'EBUSY') throw error;
    throw new Rejection(
      `a running pantavisor works on ${storage}: stop it, or let it do the work ` +
        '(pantavisor import --run FILE, pvcontrol storage gc)',
      { cause: error },
    );
  }
};

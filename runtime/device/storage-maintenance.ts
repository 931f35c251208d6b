/**
 * The keeper of the storage: opens the store and sees to it that what is used is sound, and that the disk does not fill
 * up, or does no harm when it does.
 *
 * In: the host, the limits, and who is going to be run. Out: a host whose small writes have an emergency reserve, the
 * store, and whether a revision is sound. Verification and collection are jobs of the engine; nothing here starts or
 * stops anything, and a device that says no is a problem to tell, not an end.
 */
import type { Paths } from '../../resources/paths.ts';
import type { Host } from '../host/host.ts';
import { offersIn } from '../sources/directory/offers.ts';
import type { BootBackEnd } from '../store/boot/boot-back-end.ts';
import type { Bootloader } from '../store/boot/bootloader.ts';
import type { StorageLimits } from '../store/space/housekeeping.ts';
import { usesOf } from '../store/space/objects-in-use.ts';
import { openReserve } from '../store/space/reserve.ts';
import { openStore, type Store } from '../store/store.ts';
import type { StateReader } from '../threads/state-reader.ts';
import { type Collecting, startCollecting } from './garbage-collection.ts';
import { type Soundness, watchSoundness } from './integrity.ts';

export interface StorageSettings extends StorageLimits {
  /** `PV_SECUREBOOT_CHECKSUM`; only what it says at the start counts. */
  readonly checksum: boolean;
  /** `PV_STORAGE_GC_THRESHOLD`: percent that must be available; 0: no matter. */
  readonly thresholdPercent: number;
  /** `PV_STORAGE_GC_THRESHOLD_DEFERTIME`. */
  readonly defertimeSeconds: number;
}

export interface KeeperOptions {
  readonly host: Host;
  readonly paths: Paths;
  /** undefined: nothing is verified or collected, and there is no reserve. */
  readonly settings: (() => StorageSettings) | undefined;
  readonly reader: Pick<StateReader, 'hash'>;
  /** Default: `uboot`. */
  readonly bootloader?: BootBackEnd | Bootloader;
  /** Revisions that somebody is about to run. */
  readonly wanted: () => Iterable<string>;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Keeper {
  readonly host: Host;
  readonly store: Store;
  /** undefined: nothing is verified. */
  readonly soundness: Soundness | undefined;
  readonly collecting: Collecting | undefined;
  stop(): void;
}

export const openKeeper = async (options: KeeperOptions): Promise<Keeper> => {
  const { host, settings } = options;
  return settings === undefined ? plainKeeper(host, await storeOn(options, host)) : keeperWith(options, settings);
};

const plainKeeper = (host: Host, store: Store): Keeper => ({
  host,
  store,
  soundness: undefined,
  collecting: undefined,
  stop: () => undefined,
});

const keeperWith = async (options: KeeperOptions, settings: () => StorageSettings): Promise<Keeper> => {
  const { host, paths, onProblem, onBug } = options;
  let collecting: Collecting | undefined;
  const reserve = openReserve({
    files: host.files,
    disks: host.disks,
    directory: paths.storage,
    onRelease: () => collecting?.isFull(),
  });
  const kept: Host = { ...host, files: reserve.files };
  const store = await storeOn(options, kept);
  collecting = startCollecting({ store, reserve, clock: host.clock, limits: settings, onProblem, onBug });
  const soundness = settings().checksum
    ? watchSoundness({
        files: host.files,
        clock: host.clock,
        store,
        sources: [offersIn(host.files, store, paths.watch)],
        directories: [paths.watch, `${paths.watch}/objects`],
        onProblem,
        onBug,
      })
    : undefined;
  const running = collecting;
  return {
    host: kept,
    store,
    soundness,
    collecting,
    stop: () => {
      running.stop();
      soundness?.stop();
    },
  };
};

const storeOn = (
  { host, paths, settings, reader, bootloader, wanted, onProblem }: KeeperOptions,
  kept: Host,
): Promise<Store> =>
  openStore({
    files: kept.files,
    bulkFiles: host.files,
    clock: host.clock,
    paths,
    uses: () => usesOf(host, paths),
    wanted,
    verified: { path: `${paths.run}/verified`, bootId: host.bootId },
    hashOf: reader.hash,
    onProblem,
    ...(bootloader === undefined ? {} : { bootloader }),
    ...(settings === undefined ? {} : { limits: settings }),
  });

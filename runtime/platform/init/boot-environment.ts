/**
 * The boot loader of a device that this daemon is the init of: which revision it booted, how far the last attempt came,
 * and what it needs to boot another.
 *
 * Notes about attempts are one line in `<storage>/boot/attempt`, `<revision> <sentence>`: the initial RAM disk and the
 * supervisor of the daemon write it while a revision is tried, the daemon when it is up. The next boot reads it.
 */
import type { Paths } from '../../../resources/paths.ts';
import type { BootEnvironment } from '../../device/boot.ts';
import { flushJournal, overwrite } from '../../host/linux/files/in-place.ts';
import { linuxFiles } from '../../host/linux/files/linux-files.ts';
import { type BootBackEnd, openBootloader } from '../../store/boot/boot-back-end.ts';
import type { Bootloader } from '../../store/boot/bootloader.ts';
import { Rejection } from '../../store/rejection.ts';
import { linkBootFiles } from '../../store/trails/boot-files.ts';

const MAX_NOTE_BYTES = 4096;
const NO_NOTE = 'its kernel or its initial RAM disk did not start';
const ARRIVED = 'the device restarted while it was on trial (kernel panic, hang or power cut)';

export const openBootEnvironment = (paths: Paths, booted: string): BootEnvironment => {
  const note = `${paths.storage}/boot/attempt`;
  return {
    booted,
    attemptOf: async (revision) => {
      const text = (await linuxFiles.read(note, MAX_NOTE_BYTES))?.toString().trim() ?? '';
      return text.startsWith(`${revision} `) ? text.slice(revision.length + 1) : NO_NOTE;
    },
    arrived: (revision) => linuxFiles.write(note, `${revision} ${ARRIVED}\n`, 0o644),
    makeBootable: async (revision, bsp) => {
      if (bsp === undefined)
        throw new Rejection(`revision ${revision} has no bsp/run.json: this device could not boot it`);
      await linuxFiles.remove(note);
      await linkBootFiles(linuxFiles, `${paths.storage}/trails/${revision}`, bsp);
      flushed(paths.storage);
    },
  };
};

/** The boot variables, where a boot loader that knows no journal finds and changes them. */
export const openInPlace = (type: BootBackEnd, { storage }: Paths): Bootloader => {
  const { read, write } = openBootloader(type, { ...linuxFiles, write: overwrite }, storage);
  return {
    read,
    write: async (changes) => {
      await write(changes);
      flushed(storage);
    },
  };
};

/** Storage that is no ext4 has its own ways; what is synced is then all that can be had. */
const flushed = (storage: string): void => {
  try {
    flushJournal(storage);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
};

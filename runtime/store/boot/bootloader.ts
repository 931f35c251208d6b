/**
 * The bootloader port: the variables that outlive a power cut and decide which revision boots.
 * uboot.ts is the back-end for U-Boot and for appengine, grub.ts the one for GRUB.
 *
 * Those with two images need no more than these two operations: to write `pv_try` without `pv_trying` is to write the
 * other image and, last, to have it booted once; to write `pv_rev` is to make the one that was booted the usual one; and
 * where the firmware did not boot the try, `pv_trying` reads as if its one try were behind it.
 * test/runtime/store/ab-back-ends.test.ts holds the port to that.
 */

/** `pv_rev`: committed; `pv_try`: to be tried at the next boot; `pv_trying`: the boot script's own mark that it tried. */
export const BOOT_VARIABLES = ['pv_rev', 'pv_try', 'pv_trying'] as const;
export type BootVariable = (typeof BOOT_VARIABLES)[number];
export type BootValues = Readonly<Partial<Record<BootVariable, string>>>;

export interface Bootloader {
  /** Set and non-empty variables; undefined: nobody ever wrote any. */
  read(): Promise<BootValues | undefined>;
  /** All changes at once: after a power cut either all or none of them hold. The empty string unsets. */
  write(changes: BootValues): Promise<void>;
  /** As `write`, without reading what is there: for a file that cannot be read. What others kept in it is lost. */
  replace?(values: BootValues): Promise<void>;
}

/** Which file holds the boot variables, by `PV_BOOTLOADER_TYPE` (updates.md §6). */
import type { Files } from '../host/host.ts';
import type { Bootloader } from './bootloader.ts';
import { grubBootloader } from './grub.ts';
import { ubootBootloader } from './uboot.ts';

/** Those that need nothing but a file. `uboot-pvk` differs from `uboot` in what loads the kernel only. */
export const BOOT_BACK_ENDS = ['uboot', 'uboot-pvk', 'grub'] as const;
export type BootBackEnd = (typeof BOOT_BACK_ENDS)[number];

export const isBootBackEnd = (type: string): type is BootBackEnd => BOOT_BACK_ENDS.some((known) => known === type);

export const openBootloader = (type: BootBackEnd, files: Files, storage: string): Bootloader =>
  type === 'grub'
    ? grubBootloader(files, `${storage}/boot/grubenv`)
    : ubootBootloader(files, `${storage}/boot/uboot.txt`);

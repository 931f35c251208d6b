/** Which file holds the boot variables, by `PV_BOOTLOADER_TYPE`. */
import type { Files } from '../../host/host.ts';
import type { Bootloader } from './bootloader.ts';
import { grubBootloader } from './grub.ts';
import { ubootBootloader } from './uboot.ts';

/** Those that need nothing but a file. `uboot-pvk` differs from `uboot` in what loads the kernel only. */
export const BOOT_BACK_ENDS = ['uboot', 'uboot-pvk', 'grub'] as const;
export type BootBackEnd = (typeof BOOT_BACK_ENDS)[number];

export const isBootBackEnd = (type: string): type is BootBackEnd => BOOT_BACK_ENDS.some((known) => known === type);

const fileOf = (type: BootBackEnd): string => (type === 'grub' ? 'grubenv' : 'uboot.txt');

/**
 * The back-end whose file this storage has. Programs that work on a storage may not have been told which it is, and
 * with the wrong one its committed revision would be anybody's, to be collected.
 * @param told counts where both are there, or none.
 */
export const bootBackEndOn = async (
  files: Pick<Files, 'stat'>,
  storage: string,
  told: BootBackEnd = 'uboot',
): Promise<BootBackEnd> => {
  const has = async (type: BootBackEnd): Promise<boolean> =>
    (await files.stat(`${storage}/boot/${fileOf(type)}`)) !== undefined;
  if (await has(told)) return told;
  for (const type of BOOT_BACK_ENDS) if (await has(type)) return type;
  return told;
};

export const openBootloader = (type: BootBackEnd, files: Files, storage: string): Bootloader =>
  type === 'grub'
    ? grubBootloader(files, `${storage}/boot/${fileOf(type)}`)
    : ubootBootloader(files, `${storage}/boot/${fileOf(type)}`);

/** `.pv/pv-kernel.img` and the like: the names under which a boot loader finds the BSP of a revision, whatever its files are called. */
import type { BspManifest } from '../../../resources/state-format/bsp-manifest.ts';
import type { Files } from '../../host/host.ts';
import { Rejection } from '../rejection.ts';

/** By the key of bsp/run.json that names the file. */
export const BOOT_FILES = {
  fit: 'pantavisor.fit',
  initrd: 'pv-initrd.img',
  linux: 'pv-kernel.img',
  fdt: 'pv-fdt.dtb',
} as const;

/** Idempotent. @throws Rejection when the BSP names a file that the revision has not got. */
export const linkBootFiles = async (files: Files, trail: string, bsp: BspManifest): Promise<void> => {
  await files.makeDirectory(`${trail}/.pv`, 0o755);
  for (const key of Object.keys(BOOT_FILES) as (keyof typeof BOOT_FILES)[]) {
    const link = `${trail}/.pv/${BOOT_FILES[key]}`;
    const name = bsp[key];
    if (name === undefined) await files.remove(link);
    else await linkFile(files, `${trail}/bsp/${name}`, link, `bsp/run.json: ${key} is ${name}`);
  }
};

const linkFile = async (files: Files, file: string, link: string, said: string): Promise<void> => {
  if ((await files.stat(file))?.type !== 'file') throw new Rejection(`${said}, which is no file of the revision`);
  await files.link(file, link);
};

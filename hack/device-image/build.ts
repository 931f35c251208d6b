/**
 * Builds the disk image of a device: kernel, initial RAM disk and root file system as the BSP of revision 0, beside the
 * containers of a state.
 *
 * In: an example of this project, or a state as `pvr checkout` lays it out; Debian packages, downloaded and unpacked,
 * never installed. Out: a raw disk that a machine or QEMU boots by BIOS.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { exampleNames, type Say, stageExample } from '../images/build.ts';
import { download, unpack, withLibraries } from '../images/debian.ts';
import { execute } from '../images/execute.ts';
import { packSquashfs } from '../images/root-file-system.ts';
import { GRUB_PACKAGES, makeDisk } from './disk.ts';
import { initialRamDisk } from './initial-ram-disk.ts';
import type { Kernel } from './modules.ts';
import { layOutRoot, PACKAGES } from './root-file-system.ts';
import { layOutStorage } from './storage.ts';

const project = resolve(import.meta.dirname, '../..');
const cache = join(project, '.cache');
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const DEFAULT_BYTES = 768 << 20;

export interface ImageOptions {
  /** Name of an example, or a directory. */
  readonly state: string;
  readonly output: string;
  readonly sizeBytes?: number;
  /** Added to the kernel's command line. */
  readonly options?: string;
  readonly say: Say;
}

/** The kernel, initial RAM disk and root file system as files of a `bsp/` directory. */
export const buildBsp = async (target: string, scratch: string, say: Say): Promise<void> => {
  const { packages, kernel } = await unpackPackages(scratch, say);
  mkdirSync(target, { recursive: true });
  copyFileSync(join(packages, 'boot', `vmlinuz-${kernel.release}`), join(target, 'kernel.img'));
  writeFileSync(join(target, 'pantavisor'), await initialRamDisk(join(scratch, 'initramfs'), packages, kernel));
  const node = join(project, `node_modules/node-linux-${process.arch}/bin/node`);
  await layOutRoot(join(scratch, 'root'), { packages, project, kernel, node });
  await packRoot(join(scratch, 'root'), join(target, 'root.squashfs'));
  writeFileSync(join(target, 'run.json'), JSON.stringify({ initrd: 'pantavisor', linux: 'kernel.img' }));
};

const unpackPackages = async (scratch: string, say: Say): Promise<{ packages: string; kernel: Kernel }> => {
  const [image = ''] = /linux-image-\d\S*/.exec(await execute('apt-cache', ['depends', KERNEL_PACKAGE])) ?? [];
  if (image === '') throw new Error(`apt knows no ${KERNEL_PACKAGE}; apt-get update may help`);
  const names = await withLibraries([...PACKAGES, ...GRUB_PACKAGES]);
  say(`root file system: ${image} and ${names.length} Debian packages`);
  const packages = join(scratch, 'packages');
  await unpack(await download([image, ...names], join(cache, 'debs')), packages);
  return { packages, kernel: { release: image.replace('linux-image-', ''), root: packages } };
};

const packRoot = (root: string, file: string): Promise<string> =>
  packSquashfs(root, file, ['-comp', 'zstd', '-Xcompression-level', '15', '-b', '131072']);

/** @returns the state document of revision 0. */
export const buildImage = async ({
  state,
  output,
  sizeBytes = DEFAULT_BYTES,
  options = '',
  say,
}: ImageOptions): Promise<string> => {
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'image-'));
  try {
    const device = join(scratch, 'device');
    if (exampleNames().includes(state)) await stageExample(state, device, say);
    else cpSync(resolve(state), device, { recursive: true });
    if (!existsSync(join(device, 'bsp')))
      cpSync(await cachedBsp(scratch, say), join(device, 'bsp'), { recursive: true });
    const storage = join(scratch, 'storage');
    const document = await layOutStorage(device, storage, scratch);
    const packages = join(scratch, 'packages');
    if (!existsSync(packages))
      await unpack(await download(await withLibraries(GRUB_PACKAGES), join(cache, 'debs')), packages);
    await makeDisk(join(scratch, 'disk'), { storage, packages, scratch, sizeBytes, options });
    renameSync(join(scratch, 'disk'), output);
    return document;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
};

/** Changes with everything of ours that the BSP is made of. */
const bspKey = (): string => {
  const hash = createHash('sha256').update(KERNEL_PACKAGE);
  for (const directory of ['hack/device-image', 'dist']) {
    for (const path of readdirSync(join(project, directory), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!/\.(ts|mjs|config)$|^(root|initramfs)\//.test(path)) continue;
      const file = join(project, directory, path);
      try {
        hash.update(path).update(readFileSync(file));
      } catch {
        // a directory
      }
    }
  }
  return hash.digest('hex').slice(0, 16);
};

const cachedBsp = async (scratch: string, say: Say): Promise<string> => {
  const bsps = join(cache, 'bsp');
  const place = join(bsps, bspKey());
  if (existsSync(place)) return place;
  const fresh = join(scratch, 'bsp');
  await buildBsp(fresh, scratch, say);
  rmSync(bsps, { recursive: true, force: true });
  mkdirSync(bsps, { recursive: true });
  renameSync(fresh, place);
  return place;
};

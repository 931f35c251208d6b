/** The initial RAM disk: busybox, the tools that look after an ext4, the modules of the storage, and one script. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants as zlib, zstdCompressSync } from 'node:zlib';
import { librariesOf } from '../images/libraries.ts';
import { rootedPath } from '../images/rooted-path.ts';
import { cpioOf } from './cpio.ts';
import { copyModules, type Kernel } from './modules.ts';

const MODULES = ['virtio_pci', 'virtio_blk', 'loop', 'squashfs'];
const PROGRAMS = ['/usr/sbin/e2fsck', '/usr/sbin/resize2fs'];

export const initialRamDisk = async (scratch: string, packages: string, kernel: Kernel): Promise<Buffer> => {
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(scratch, to)), { recursive: true });
    copyFileSync(from, join(scratch, to));
    chmodSync(join(scratch, to), 0o755);
  };
  put(join(import.meta.dirname, 'initramfs/init'), 'init');
  put(rootedPath(packages, '/bin/busybox'), 'bin/busybox');
  for (const program of PROGRAMS) {
    put(rootedPath(packages, program), program.replace('/usr/sbin', 'bin'));
    for (const library of await librariesOf(program, packages))
      if (!existsSync(join(scratch, library))) put(rootedPath(packages, library), library);
  }
  copyModules(kernel, MODULES, scratch);
  writeFileSync(join(scratch, 'modules'), `${MODULES.join('\n')}\n`);
  return zstdCompressSync(cpioOf(scratch), { params: { [zlib.ZSTD_c_compressionLevel]: 19 } });
};

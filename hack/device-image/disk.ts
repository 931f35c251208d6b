/**
 * The disk: GRUB in the first mebibyte, then one ext4 with the storage. No loop device, no mount, no root: mke2fs(8) fills
 * the file system from a directory.
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { execute } from '../images/execute.ts';
import { librariesOf } from '../images/libraries.ts';
import { rootedPath } from '../images/rooted-path.ts';

const SECTOR = 512;
const PARTITION_START = 1 << 20;
/** Of boot.img; what follows are the partition table and the signature. */
const BOOT_CODE_BYTES = 446;
const LINUX_PARTITION = 0x83;
const GRUB_MODULES = [
  'biosdisk',
  'part_msdos',
  'ext2',
  'normal',
  'loadenv',
  'test',
  'linux',
  'serial',
  'terminal',
  'echo',
  'sleep',
  'reboot',
  'minicmd',
];
/** The same for every image: two disks with one of them are told apart by nobody, and a device has one. */
const UUID = '70616e74-6176-4973-8f72-2d7374726167';

export const GRUB_PACKAGES = ['grub-pc-bin', 'grub-common'];

export interface DiskOptions {
  readonly storage: string;
  readonly packages: string;
  readonly scratch: string;
  readonly sizeBytes: number;
  /** Added to the kernel's command line. */
  readonly options: string;
}

export const makeDisk = async (
  file: string,
  { storage, packages, scratch, sizeBytes, options }: DiskOptions,
): Promise<void> => {
  const configuration = readFileSync(join(import.meta.dirname, 'grub.cfg'), 'utf8').replace('@OPTIONS@', options);
  mkdirSync(join(storage, 'boot/grub'), { recursive: true });
  writeFileSync(join(storage, 'boot/grub/grub.cfg'), configuration);
  const core = join(scratch, 'core.img');
  await makeCore(packages, core);
  const [boot, coreImage] = [readFileSync(join(packages, 'usr/lib/grub/i386-pc/boot.img')), readFileSync(core)];
  if (SECTOR + coreImage.length > PARTITION_START)
    throw new Error(`GRUB needs ${coreImage.length} bytes, more than there are before the partition`);

  const disk = openSync(file, 'w');
  ftruncateSync(disk, sizeBytes);
  writeSync(disk, boot.subarray(0, BOOT_CODE_BYTES), 0, BOOT_CODE_BYTES, 0);
  writeSync(disk, partitionTable(sizeBytes), 0, SECTOR - BOOT_CODE_BYTES, BOOT_CODE_BYTES);
  writeSync(disk, coreImage, 0, coreImage.length, SECTOR);
  closeSync(disk);
  await makeFileSystem(file, storage, sizeBytes - PARTITION_START);
};

/** Debian's program with Debian's libraries, whatever this machine has. */
const makeCore = async (packages: string, output: string): Promise<void> => {
  const program = '/usr/bin/grub-mkimage';
  const [loader = '', ...libraries] = await librariesOf(program, packages);
  const directories = [...new Set(libraries.map((library) => join(packages, library, '..')))];
  await execute(rootedPath(packages, loader), [
    ...['--library-path', directories.join(':'), rootedPath(packages, program)],
    ...['-O', 'i386-pc', '-d', join(packages, 'usr/lib/grub/i386-pc'), '-p', '(hd0,msdos1)/boot/grub', '-o', output],
    ...GRUB_MODULES,
  ]);
};

const partitionTable = (sizeBytes: number): Buffer => {
  const table = Buffer.alloc(SECTOR - BOOT_CODE_BYTES);
  table[0] = 0x80; // active
  table.fill(0xfe, 1, 4); // by sector numbers, not by cylinders
  table[4] = LINUX_PARTITION;
  table.fill(0xfe, 5, 8);
  table.writeUInt32LE(PARTITION_START / SECTOR, 8);
  table.writeUInt32LE((sizeBytes - PARTITION_START) / SECTOR, 12);
  table.writeUInt16LE(0xaa55, SECTOR - BOOT_CODE_BYTES - 2);
  return table;
};

/** 2026-01-01: of every file of the image, whenever it was made. */
const EPOCH_SECONDS = '1767225600';

/** GRUB 2.06 knows neither `metadata_csum_seed` nor `orphan_file`. */
const makeFileSystem = async (disk: string, storage: string, sizeBytes: number): Promise<void> => {
  process.env['E2FSPROGS_FAKE_TIME'] = EPOCH_SECONDS;
  await execute('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'pantavisor', '-U', UUID],
    ...['-O', '^metadata_csum_seed,^orphan_file', '-E', `hash_seed=${UUID},offset=${PARTITION_START}`, '-m', '1'],
    ...['-d', storage, disk, `${sizeBytes / 4096}`],
  ]);
  // mke2fs copies the times of the files it is given, and those of their last change nobody can set.
  const names = ['', ...readdirSync(storage, { recursive: true, encoding: 'utf8' }).sort()];
  const lines = names.flatMap((name) =>
    TIMES.map((field) => `set_inode_field "/${name}" ${field} ${field.endsWith('_extra') ? 0 : `@${EPOCH_SECONDS}`}`),
  );
  const script = join(storage, '../times');
  writeFileSync(script, `${lines.join('\n')}\n`);
  await execute('debugfs', ['-w', '-f', script, `${disk}?offset=${PARTITION_START}`]);
};

const TIMES = ['atime', 'ctime', 'mtime', 'crtime', 'atime_extra', 'ctime_extra', 'mtime_extra', 'crtime_extra'];

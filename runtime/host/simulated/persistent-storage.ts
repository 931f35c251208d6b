/** What keeps its content without power: the storage file system and the disks. */
import { FileSystem } from './file-system.ts';
import type { BlockDevice } from './inode.ts';
import { Journal } from './unsynced-changes.ts';

export interface SimulatedDisk {
  readonly sizeBytes?: number;
  /** A type as blkid names it; default: blank. */
  readonly contents?: string;
}

export interface SimulatedStorage {
  readonly fileSystem: FileSystem;
  /** By device node. */
  readonly disks: ReadonlyMap<string, BlockDevice>;
  readonly journal: Journal;
}

const GIB = 1024 ** 3;
const SCSI_MAJOR = 8;

/** A new storage, empty; give it to several simulatedHost()s in turn and they find what the last one left. */
export const simulatedStorage = (
  options: { readonly sizeBytes?: number; readonly disks?: Readonly<Record<string, SimulatedDisk>> } = {},
): SimulatedStorage => {
  const journal = new Journal();
  const disks = Object.entries(options.disks ?? {}).map(([path, disk], index): [string, BlockDevice] => {
    const numbers = { major: SCSI_MAJOR, minor: 16 * (index + 1) };
    return [path, { ...numbers, sizeBytes: disk.sizeBytes ?? GIB, formatted: disk.contents }];
  });
  const shape = { major: SCSI_MAJOR, minor: 1, type: 'ext4', sizeBytes: options.sizeBytes ?? GIB };
  return { fileSystem: new FileSystem(shape, journal), disks: new Map(disks), journal };
};

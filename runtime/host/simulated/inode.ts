/** The inodes of a simulated file system, and what a device or file holds when probed as blkid does. */
import type { FileSystem } from './file-system.ts';

interface Common {
  readonly number: number;
  mode: number;
  /** Names it has; 0: deleted, or not named yet. */
  links: number;
  modifiedMs: number;
  changedMs: number;
}

export interface DirectoryNode extends Common {
  readonly type: 'directory';
  readonly entries: Map<string, Inode>;
  /** Where it was named last; see pathWithin. */
  parent: DirectoryNode | undefined;
  name: string;
}

export interface FileNode extends Common {
  readonly type: 'file';
  content: Buffer;
  sizeBytes: number;
  /** What mkfs made of it. */
  formatted: string | undefined;
  /** The file system inside, once it was mounted. */
  inside?: FileSystem;
}

export interface SymlinkNode extends Common {
  readonly type: 'symlink';
  readonly target: string;
}

/** A disk. It outlives its device node and the boot. */
export interface BlockDevice {
  readonly major: number;
  readonly minor: number;
  readonly sizeBytes: number;
  /** A type as blkid names it; undefined: blank. */
  formatted: string | undefined;
  inside?: FileSystem;
}

export interface DeviceNode extends Common {
  readonly type: 'device';
  readonly block: BlockDevice;
}

export type Inode = DirectoryNode | FileNode | SymlinkNode | DeviceNode;

const BLOCK_BYTES = 4096;

export const blocksOf = (node: Inode): number =>
  node.type === 'file' ? Math.ceil(node.sizeBytes / BLOCK_BYTES) * BLOCK_BYTES : 0;

/** The squashfs superblock's magic number: what makes a file an image here, as on Linux. */
const SQUASHFS = 'hsqs';

/** An image the simulated device can mount: a file `label` in it says what it is, next to a file `hello`. */
export const squashfsImage = (label: string): Buffer => Buffer.from(`${SQUASHFS}${label}`);

/** An image of any file system. */
export const imageOf = (filesystem: string, label: string): Buffer =>
  filesystem === 'squashfs' ? squashfsImage(label) : Buffer.from(`image of ${filesystem}\n${label}`);

const IMAGE = /^image of ([A-Za-z0-9_]+)\n/;
const MAX_IMAGE_HEAD = 64;

export const labelOf = (image: FileNode): string => image.content.subarray(SQUASHFS.length).toString();

/** undefined: neither file nor disk. */
export const contentsOf = (node: Inode): string | undefined => {
  if (node.type === 'device') return node.block.formatted ?? 'blank';
  if (node.type !== 'file') return undefined;
  if (node.formatted !== undefined) return node.formatted;
  const head = node.content.subarray(0, MAX_IMAGE_HEAD).toString('latin1');
  return head.startsWith(SQUASHFS) ? 'squashfs' : (IMAGE.exec(head)?.[1] ?? 'blank');
};

/** The name of a directory's entry within its file system; undefined once it or a parent was removed. */
export const pathWithin = (directory: DirectoryNode, name?: string): string | undefined => {
  const names = name === undefined ? [] : [name];
  for (let node = directory; node.parent !== undefined; node = node.parent) {
    if (node.parent.entries.get(node.name) !== node) return undefined;
    names.unshift(node.name);
  }
  return `/${names.join('/')}`;
};

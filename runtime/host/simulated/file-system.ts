/** One file system of the simulated device: a tree of inodes, how full it is, and who watches it. */
import { type BlockDevice, blocksOf, type DirectoryNode, type FileNode, type Inode } from './inode.ts';
import { refuse } from './simulated-error.ts';
import type { Journal } from './unsynced-changes.ts';

const MAX_LINKS = 65_000;
/** In how many places an append can be torn. */
const APPEND_STEPS = 4;

export interface FileSystemOptions {
  readonly major: number;
  readonly minor: number;
  readonly type: string;
  readonly sizeBytes: number;
  readonly readOnly?: boolean;
}

export class FileSystem {
  readonly major: number;
  /** A loop device's number changes from mount to mount. */
  minor: number;
  readonly type: string;
  readonly readOnly: boolean;
  readonly root: DirectoryNode;
  readonly #journal: Journal;
  readonly #watchers = new Map<Inode, Set<() => void>>();
  #sizeBytes: number;
  #usedBytes = 0;
  #lastNumber = 1;

  constructor(options: FileSystemOptions, journal: Journal) {
    this.major = options.major;
    this.minor = options.minor;
    this.type = options.type;
    this.readOnly = options.readOnly ?? false;
    this.#sizeBytes = options.sizeBytes;
    this.#journal = journal;
    this.root = this.directory(0o755);
    this.root.links = 1;
  }

  get device(): number {
    return this.major * 256 + this.minor;
  }

  get space(): { totalBytes: number; freeBytes: number } {
    return { totalBytes: this.#sizeBytes, freeBytes: Math.max(0, this.#sizeBytes - this.#usedBytes) };
  }

  /** Somebody else fills it until so much is left. */
  leaveFree(freeBytes: number): void {
    this.#sizeBytes = this.#usedBytes + freeBytes;
  }

  directory(mode: number): DirectoryNode {
    return { type: 'directory', ...this.#inode(mode), entries: new Map(), parent: undefined, name: '' };
  }

  symlink(target: string): Inode {
    return { type: 'symlink', ...this.#inode(0o777), target };
  }

  deviceNode(block: BlockDevice): Inode {
    return { type: 'device', ...this.#inode(0o600), block };
  }

  /** `sizeBytes` beyond the content are zeros. */
  file(content: Buffer, mode: number, sizeBytes = content.length): FileNode {
    const node: FileNode = { type: 'file', ...this.#inode(mode), content, sizeBytes, formatted: undefined };
    if (blocksOf(node) > this.space.freeBytes) refuse('ENOSPC');
    return node;
  }

  /** Adds to a file piece by piece: torn, a beginning of it is there. */
  append(node: FileNode, content: Buffer): void {
    const grownBytes = blocksOf({ ...node, sizeBytes: node.sizeBytes + content.length }) - blocksOf(node);
    if (grownBytes > this.space.freeBytes) refuse('ENOSPC');
    const pieceBytes = Math.max(1, Math.ceil(content.length / APPEND_STEPS));
    for (let at = 0; at < content.length; at += pieceBytes) {
      const before = node.content;
      this.#fill(node, Buffer.concat([before, content.subarray(at, at + pieceBytes)]));
      this.#journal.record(() => this.#fill(node, before));
    }
    this.#tell(node);
  }

  /** In place, by somebody else: no name changes, and it is on the disk. */
  overwrite(node: FileNode, content: Buffer): void {
    this.#fill(node, content);
    this.#tell(node);
  }

  #fill(node: FileNode, content: Buffer): void {
    const beforeBytes = blocksOf(node);
    node.content = content;
    node.sizeBytes = content.length;
    node.modifiedMs = this.#journal.wallMs();
    node.changedMs = node.modifiedMs;
    if (node.links > 0) this.#usedBytes += blocksOf(node) - beforeBytes;
  }

  /** Gives an inode a name, in place of what had it. One step: there is no moment without either. */
  attach(directory: DirectoryNode, name: string, node: Inode): void {
    if (node.links >= MAX_LINKS) refuse('EMLINK');
    const before = directory.entries.get(name);
    this.#name(directory, name, node);
    this.#journal.record(() => this.#name(directory, name, before));
  }

  detach(directory: DirectoryNode, name: string): void {
    const before = directory.entries.get(name);
    if (before === undefined) return;
    this.#name(directory, name, undefined);
    this.#journal.record(() => this.#name(directory, name, before));
  }

  move(from: DirectoryNode, fromName: string, to: DirectoryNode, toName: string): void {
    const node = from.entries.get(fromName);
    if (node === undefined || (from === to && fromName === toName)) return;
    const before = to.entries.get(toName);
    this.#name(to, toName, node);
    this.#name(from, fromName, undefined);
    this.#journal.record(() => {
      this.#name(from, fromName, node);
      this.#name(to, toName, before);
    });
  }

  chmod(node: Inode, mode: number): void {
    const before = node.mode;
    node.mode = mode;
    this.#journal.record(() => {
      node.mode = before;
    });
  }

  /** mkfs on a file: the new signature, as one step. */
  stamp(node: FileNode | BlockDevice, formatted: string): void {
    const before = node.formatted;
    node.formatted = formatted;
    this.#journal.record(() => {
      node.formatted = before;
    });
  }

  watch(directory: Inode, listener: () => void): () => void {
    const listeners = this.#watchers.get(directory) ?? new Set();
    this.#watchers.set(directory, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#watchers.delete(directory);
    };
  }

  #name(directory: DirectoryNode, name: string, node: Inode | undefined): void {
    const before = directory.entries.get(name);
    if (node === undefined) directory.entries.delete(name);
    else directory.entries.set(name, node);
    if (before !== undefined) this.#count(before, -1);
    if (node !== undefined) this.#count(node, 1);
    if (node?.type === 'directory') [node.parent, node.name] = [directory, name];
    directory.modifiedMs = this.#journal.wallMs();
    for (const changed of new Set([directory, before, node])) this.#tell(changed);
  }

  #tell(changed: Inode | undefined): void {
    if (changed === undefined || this.#watchers.size === 0) return;
    for (const listener of [...(this.#watchers.get(changed) ?? [])]) listener();
  }

  #count(node: Inode, change: 1 | -1): void {
    const before = node.links;
    node.links += change;
    node.changedMs = this.#journal.wallMs();
    if ((before === 0) !== (node.links === 0)) this.#usedBytes += change * blocksOf(node);
  }

  #inode(mode: number): Pick<Inode, 'number' | 'mode' | 'links' | 'modifiedMs' | 'changedMs'> {
    this.#lastNumber += 1;
    const nowMs = this.#journal.wallMs();
    return { number: this.#lastNumber, mode: mode & 0o7777, links: 0, modifiedMs: nowMs, changedMs: nowMs };
  }
}

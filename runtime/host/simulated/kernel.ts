/**
 * One boot of the simulated device: everything that is lost with the power, over the storage that is not.
 *
 * Daemons come and go on it; its timers, mounts, swaps and containers stay until switchOff().
 */
import { FileSystem } from './file-system.ts';
import type { Hardware } from './hardware.ts';
import { type BlockDevice, contentsOf, type FileNode, labelOf } from './inode.ts';
import { makeDirectory } from './inode-operations.ts';
import { Namespace } from './namespace.ts';
import type { Faults, Operation } from './operation.ts';
import type { Random } from './random.ts';
import { refuse } from './simulated-error.ts';
import { Lxc } from './simulated-lxc.ts';
import { whole } from './simulated-mount-status.ts';
import { Timeline } from './simulated-time.ts';
import { Swaps, Zram } from './swaps.ts';
import type { Journal } from './unsynced-changes.ts';

const ANONYMOUS_MAJOR = 0;
const LOOP_MAJOR = 7;
const MIN_IMAGE_BYTES = 64 * 1024;
const RAM_BYTES = 256 * 1024 * 1024;

export class Kernel {
  readonly hardware: Hardware;
  readonly timeline: Timeline;
  readonly namespace: Namespace;
  readonly swaps = new Swaps();
  readonly zram: Zram;
  readonly lxc: Lxc;
  readonly bootId: string;
  /** Mount points that somebody's shell stands in. */
  readonly busy = new Set<string>();
  #daemons = 0;

  constructor(hardware: Hardware) {
    const { options, storage } = hardware;
    this.hardware = hardware;
    this.timeline = new Timeline(options.boot.uptimeMs, options.boot.wallTime.getTime());
    storage.journal.wallMs = () => this.timeline.wallMs;
    const rootfs = this.#volatile(ANONYMOUS_MAJOR, 1, 'rootfs');
    this.namespace = new Namespace(rootfs);
    for (const path of ['/dev', '/run', '/tmp', options.storageAt]) makeDirectory(this.namespace, path, 0o755);
    const place = this.namespace.find(options.storageAt) ?? refuse('ENOENT', options.storageAt);
    this.namespace.attach({ type: 'foreign', ...whole(storage.fileSystem), readOnly: false }, place);
    this.zram = new Zram(options.zram, { rootfs, directory: this.#plugIn(rootfs) }, this.swaps);
    this.bootId = hardware.nextBootId();
    this.lxc = new Lxc(this);
    storage.journal.sync();
  }

  get faults(): Faults {
    return this.hardware.faults;
  }

  get random(): Random {
    return this.hardware.random;
  }

  get journal(): Journal {
    return this.hardware.storage.journal;
  }

  get zramSupported(): boolean {
    return this.hardware.options.zram;
  }

  get swapSupported(): boolean {
    return this.hardware.options.swap;
  }

  readonly short = (path: string): string => this.hardware.short(path);

  nextIndex(): number {
    return this.hardware.nextIndex();
  }

  nextDaemon(): number {
    this.#daemons += 1;
    return this.#daemons;
  }

  /** What an operation changed is durable when it resolves; with `lazy` only what the port promises to be. */
  endOperation({ port, name }: Pick<Operation, 'port' | 'name'>): void {
    const promised = port === 'files' && ['write', 'writeStream', 'append', 'rename', 'link'].includes(name);
    if (promised || !this.hardware.options.lazy) this.journal.sync();
  }

  switchOff(): void {
    this.timeline.switchOff();
    // What never reached the disk is lost from the end; order is kept.
    this.journal.tear(0, this.random);
    this.journal.sync();
  }

  tmpfs(): FileSystem {
    return this.#volatile(ANONYMOUS_MAJOR, this.#freeMinor(ANONYMOUS_MAJOR, 2), 'tmpfs');
  }

  /** The file system on a disk. @throws Refusal EINVAL when it is not of that type. */
  insideOf(block: BlockDevice, type: string): FileSystem {
    if (block.formatted !== type) refuse('EINVAL', `holds ${block.formatted ?? 'nothing'}, not ${type}`);
    const { major, minor, sizeBytes } = block;
    block.inside ??= new FileSystem({ major, minor, type, sizeBytes }, this.journal);
    return block.inside;
  }

  /** The file system in an image, on a loop device. @throws Refusal EINVAL when it is not of that type. */
  loopOf(image: FileNode, type: string, on: FileSystem): FileSystem {
    const contents = contentsOf(image);
    if (contents !== type) refuse('EINVAL', `holds ${contents}, not ${type}`);
    if (image.inside !== undefined && this.#inUse().includes(image.inside)) return image.inside;
    const readOnly = type === 'squashfs' || on.readOnly;
    const minor = this.#freeMinor(LOOP_MAJOR, 0);
    const shape = { major: LOOP_MAJOR, minor, type, sizeBytes: Math.max(image.sizeBytes, MIN_IMAGE_BYTES), readOnly };
    // Every mount of a squashfs has a loop device of its own, whoever still holds an earlier one.
    if (type === 'squashfs') return filled(new FileSystem(shape, this.journal), labelOf(image));
    image.inside ??= new FileSystem(shape, this.journal);
    image.inside.minor = minor;
    return image.inside;
  }

  /** Mounted, or held by a container although it was unmounted here. */
  #inUse(): readonly FileSystem[] {
    return [...this.namespace.mounts.map(({ fileSystem }) => fileSystem), ...this.lxc.held()];
  }

  /** The kernel gives the lowest number that is free, also one that had another meaning a moment ago. */
  #freeMinor(major: number, from: number): number {
    const taken = new Set(this.#inUse().flatMap((used) => (used.major === major ? [used.minor] : [])));
    let minor = from;
    while (taken.has(minor)) minor += 1;
    return minor;
  }

  #volatile(major: number, minor: number, type: string): FileSystem {
    return new FileSystem({ major, minor, type, sizeBytes: RAM_BYTES }, this.journal);
  }

  #plugIn(rootfs: FileSystem) {
    for (const [path, block] of this.hardware.storage.disks) {
      const directory = path.slice(0, path.lastIndexOf('/'));
      makeDirectory(this.namespace, directory, 0o755);
      const { node } = this.namespace.find(directory) ?? refuse('ENOENT', directory);
      if (node.type === 'directory') rootfs.attach(node, path.slice(directory.length + 1), rootfs.deviceNode(block));
    }
    const dev = this.namespace.find('/dev')?.node;
    return dev?.type === 'directory' ? dev : refuse('ENOTDIR', '/dev');
  }
}

const filled = (image: FileSystem, label: string): FileSystem => {
  for (const [name, content] of Object.entries({ hello: 'hello\n', label })) {
    const file = image.file(Buffer.from(content), 0o644);
    file.links = 1;
    image.root.entries.set(name, file);
  }
  return image;
};

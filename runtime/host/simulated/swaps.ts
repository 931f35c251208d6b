/** The swaps and zram devices of the simulated kernel. */
import type { FileSystem } from './file-system.ts';
import type { DirectoryNode } from './inode.ts';
import { refuse } from './simulated-error.ts';

export class Swaps {
  readonly #paths = new Set<string>();
  readonly #listeners = new Set<() => void>();

  list(): readonly string[] {
    return [...this.#paths];
  }

  /** @returns whether that changed anything. */
  add(path: string): boolean {
    return !this.#paths.has(path) && this.#told(this.#paths.add(path).has(path));
  }

  delete(path: string): boolean {
    return this.#told(this.#paths.delete(path));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #told(changed: boolean): boolean {
    if (changed) for (const listener of this.#listeners) listener();
    return changed;
  }
}

const ZRAM_MAJOR = 252;
const ZRAM_BYTES = 64 * 1024 * 1024;

export class Zram {
  readonly #supported: boolean;
  readonly #rootfs: FileSystem;
  readonly #dev: DirectoryNode;
  readonly #swaps: Swaps;

  constructor(
    supported: boolean,
    dev: { readonly rootfs: FileSystem; readonly directory: DirectoryNode },
    swaps: Swaps,
  ) {
    this.#supported = supported;
    this.#rootfs = dev.rootfs;
    this.#dev = dev.directory;
    this.#swaps = swaps;
  }

  /** The lowest free number, as hot_add gives it. */
  create(): string {
    if (!this.#supported) refuse('ENODEV', 'this kernel has no zram');
    let minor = 0;
    while (this.#dev.entries.has(`zram${minor}`)) minor += 1;
    const block = { major: ZRAM_MAJOR, minor, sizeBytes: ZRAM_BYTES, formatted: undefined };
    this.#rootfs.attach(this.#dev, `zram${minor}`, this.#rootfs.deviceNode(block));
    return `/dev/zram${minor}`;
  }

  /** @returns whether it was there. */
  remove(device: string): boolean {
    const name = device.slice(device.lastIndexOf('/') + 1);
    if (!/^\/dev\/zram\d+$/.test(device)) refuse('EINVAL', 'expected /dev/zram<number>');
    if (!this.#dev.entries.has(name)) return false;
    if (this.#swaps.list().includes(device)) refuse('EBUSY', 'used as swap');
    this.#rootfs.detach(this.#dev, name);
    return true;
  }
}

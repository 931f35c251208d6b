/**
 * The mount namespace: how a path becomes an inode, through symlinks and whatever is mounted on the way.
 *
 * As on Linux, a mount sits on a name (a directory and an entry) as seen through its parent mount, not on a
 * path: what is mounted inside a tree is hidden together with the tree when something is mounted over it.
 */
import type { FileSystem } from './file-system.ts';
import { type DirectoryNode, type Inode, pathWithin } from './inode.ts';
import { refuse } from './simulated-error.ts';

export interface Mounted {
  readonly id: number;
  type: 'image' | 'bind' | 'tmpfs' | 'foreign';
  readonly fileSystem: FileSystem;
  /** What the mount shows, and the name it had: a bind may show a part of a file system. */
  readonly root: Inode;
  readonly rootDirectory: DirectoryNode;
  readonly rootName: string | undefined;
  readonly target: string;
  readonly readOnly: boolean;
  /** image: the backing file. */
  readonly backing: Place | undefined;
  /** A device node, for what is neither image nor bind. */
  readonly source: string | undefined;
  readonly parent: Mounted | undefined;
  readonly point: string;
}

/** An inode and by which name it was reached. */
export interface Place {
  readonly mount: Mounted;
  readonly node: Inode;
  /** Where it is named; undefined: the root of its mount. */
  readonly directory: DirectoryNode | undefined;
  readonly name: string;
  /** Absolute and canonical. */
  readonly path: string;
}

export type NewMount = Pick<Mounted, 'type' | 'fileSystem' | 'root' | 'rootDirectory' | 'rootName' | 'readOnly'> &
  Partial<Pick<Mounted, 'backing' | 'source'>>;

const MAX_SYMLINKS = 40;

const pointOf = (place: Place): string =>
  `${place.mount.id}:${place.directory?.number ?? ''}:${place.directory === undefined ? '' : place.name}`;

export class Namespace {
  readonly #covers = new Map<string, Mounted>();
  readonly #listeners = new Set<(targets: readonly string[]) => void>();
  #mounts: readonly Mounted[];
  #lastId = 1;

  constructor(rootfs: FileSystem) {
    const { root } = rootfs;
    const shown = { fileSystem: rootfs, root, rootDirectory: root, rootName: undefined, target: '/', readOnly: false };
    const nothing = { backing: undefined, source: undefined, parent: undefined, point: '' };
    this.#mounts = [{ id: this.#lastId, type: 'foreign', ...shown, ...nothing }];
  }

  /** In mount order, the root first. */
  get mounts(): readonly Mounted[] {
    return this.#mounts;
  }

  /** undefined: nothing of that name. @throws Refusal ELOOP, EINVAL. */
  find(path: string, follow = true): Place | undefined {
    if (!path.startsWith('/') || path.includes('\0')) refuse('EINVAL', `not an absolute path: ${path}`);
    const trail: Place[] = [this.#root()];
    const ahead = path.split('/').reverse();
    let symlinks = 0;
    while (ahead.length > 0) {
      const name = ahead.pop();
      if (name === undefined || name === '' || name === '.') continue;
      if (name === '..') {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const place = this.#step(trail.at(-1), name);
      if (place === undefined) return undefined;
      const isLast = ahead.every((part) => part === '');
      if (place.node.type !== 'symlink' || (isLast && !follow)) {
        trail.push(place);
        continue;
      }
      symlinks += 1;
      if (symlinks > MAX_SYMLINKS) refuse('ELOOP');
      if (place.node.target.startsWith('/')) trail.length = 1;
      ahead.push(...place.node.target.split('/').reverse());
    }
    return trail.at(-1);
  }

  /** The directory a name is to be made in. @throws Refusal ENOENT, ENOTDIR. */
  parentOf(path: string): { place: Place; directory: DirectoryNode; name: string } {
    const cut = path.lastIndexOf('/');
    const name = path.slice(cut + 1);
    if (name === '' || name === '.' || name === '..') refuse('EINVAL', `no name to make: ${path}`);
    const place = this.find(path.slice(0, cut) || '/') ?? refuse('ENOENT');
    return { place, directory: place.node.type === 'directory' ? place.node : refuse('ENOTDIR'), name };
  }

  /** The topmost mount whose mount point is `path`. */
  at(path: string): Mounted | undefined {
    const place = this.find(path, false);
    const isRootOfMount = place?.directory === undefined && place?.mount.target === path;
    return isRootOfMount ? place.mount : undefined;
  }

  attach(mount: NewMount, place: Place): Mounted {
    this.#lastId += 1;
    const point = pointOf(place);
    const where = { id: this.#lastId, target: place.path, parent: place.mount, point };
    const attached = { backing: undefined, source: undefined, ...mount, ...where };
    this.#covers.set(point, attached);
    this.#mounts = [...this.#mounts, attached];
    this.#tell([place.path]);
    return attached;
  }

  /** With everything mounted inside it or upon it. */
  detach(mount: Mounted): void {
    const gone = new Set([mount]);
    for (const other of this.#mounts) if (other.parent !== undefined && gone.has(other.parent)) gone.add(other);
    for (const { point } of gone) this.#covers.delete(point);
    this.#mounts = this.#mounts.filter((other) => !gone.has(other));
    this.#tell([...gone].map(({ target }) => target));
  }

  /** Whether something is mounted on this name, whichever way it is looked at. */
  isMountPoint(directory: DirectoryNode, name: string, fileSystem: FileSystem): boolean {
    const suffix = `:${directory.number}:${name}`;
    return this.#mounts.some(({ parent, point }) => parent?.fileSystem === fileSystem && point.endsWith(suffix));
  }

  /** A loop device loses its backing file: the mount stays, and nobody can say any more of what. */
  orphan(mount: Mounted): void {
    mount.type = 'foreign';
    this.#tell([mount.target]);
  }

  onChange(listener: (targets: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(targets: readonly string[]): void {
    for (const listener of this.#listeners) listener(targets);
  }

  #root(): Place {
    const mount = this.#mounts[0] ?? refuse('ENOENT', 'no root file system');
    return this.#topmost({ mount, node: mount.root, directory: undefined, name: '', path: '/' });
  }

  #step(from: Place | undefined, name: string): Place | undefined {
    if (from?.node.type !== 'directory') return undefined;
    const node = from.node.entries.get(name);
    if (node === undefined) return undefined;
    const path = from.path === '/' ? `/${name}` : `${from.path}/${name}`;
    return this.#topmost({ mount: from.mount, node, directory: from.node, name, path });
  }

  #topmost(place: Place): Place {
    const cover = this.#covers.get(pointOf(place));
    if (cover === undefined) return place;
    return this.#topmost({ mount: cover, node: cover.root, directory: undefined, name: '', path: place.path });
  }
}

/** Where in its file system a mount's root is; undefined: it was deleted. */
export const rootPathOf = ({ root, rootDirectory, rootName }: Mounted): string | undefined => {
  const exists = rootName === undefined || rootDirectory.entries.get(rootName) === root;
  return exists ? pathWithin(rootDirectory, rootName) : undefined;
};

/** What is on a simulated storage, as a value: to be held against another, and to be put on a new device. */
import { createHash } from 'node:crypto';
import type { FileSystem } from '../../runtime/host/simulated/file-system.ts';
import type { DirectoryNode } from '../../runtime/host/simulated/inode.ts';
import { isTemporary } from '../../runtime/host/simulated/inode-operations.ts';
import { parseUboot } from '../../runtime/store/boot/uboot.ts';

export type Entry =
  | 'directory'
  | { readonly type: 'file'; readonly content: Buffer; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string };

/** By path below the storage; directories end with a slash. Hard links are files of equal content here. */
export type Tree = ReadonlyMap<string, Entry>;

export const treeOf = ({ root }: FileSystem): Tree => {
  const tree = new Map<string, Entry>();
  const walk = (directory: DirectoryNode, path: string): void => {
    for (const [name, node] of directory.entries) {
      // What a crash left of a write is nobody's state: the next start removes it.
      if (isTemporary(name)) continue;
      if (node.type === 'directory') {
        tree.set(`${path}${name}/`, 'directory');
        walk(node, `${path}${name}/`);
      } else if (node.type === 'file') tree.set(path + name, { type: 'file', content: node.content, mode: node.mode });
      else if (node.type === 'symlink') tree.set(path + name, { type: 'symlink', target: node.target });
    }
  };
  walk(root, '');
  return tree;
};

/** Onto an empty file system. */
export const plant = (fileSystem: FileSystem, tree: Tree): void => {
  const directories = new Map<string, DirectoryNode>([['', fileSystem.root]]);
  for (const [path, entry] of tree) {
    const bare = entry === 'directory' ? path.slice(0, -1) : path;
    const at = bare.lastIndexOf('/') + 1;
    const parent = directories.get(bare.slice(0, at));
    if (parent === undefined) throw new Error(`${path} has no directory`);
    const node = nodeOf(fileSystem, entry);
    fileSystem.attach(parent, bare.slice(at), node);
    if (node.type === 'directory') directories.set(path, node);
  }
};

const nodeOf = (fileSystem: FileSystem, entry: Entry) => {
  if (entry === 'directory') return fileSystem.directory(0o755);
  return entry.type === 'file' ? fileSystem.file(entry.content, entry.mode) : fileSystem.symlink(entry.target);
};

const hashes = new WeakMap<Buffer, string>();
const hashOf = (content: Buffer): string => {
  const known = hashes.get(content) ?? createHash('sha256').update(content).digest('base64');
  hashes.set(content, known);
  return known;
};

/** Of the entries that count; directories never do. */
export const digestOf = (tree: Tree, isCounted: (path: string) => boolean): string => {
  const hash = createHash('sha256');
  for (const path of [...tree.keys()].sort()) {
    const entry = tree.get(path);
    if (entry !== undefined && entry !== 'directory' && isCounted(path))
      hash.update(`${path} ${entry.type === 'file' ? hashOf(entry.content) : entry.target}\n`);
  }
  return hash.digest('base64');
};

export const withoutBelow = (tree: Tree, directory: string): Tree =>
  new Map([...tree].filter(([path]) => !path.startsWith(directory)));

export const textAt = (tree: Tree, path: string): string | undefined => {
  const entry = tree.get(path);
  return entry === undefined || entry === 'directory' || entry.type !== 'file' ? undefined : entry.content.toString();
};

/** Those that are set. */
export const bootVariablesIn = (tree: Tree): Readonly<Record<string, string>> => {
  const entry = tree.get('boot/uboot.txt');
  if (entry === undefined || entry === 'directory' || entry.type !== 'file') return {};
  return Object.fromEntries([...parseUboot(entry.content)].filter(([, value]) => value !== ''));
};

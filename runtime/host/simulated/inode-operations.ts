/** What can be done to files and directories of the simulated device, as single synchronous steps. */
import type { FileSystem } from './file-system.ts';
import type { DirectoryNode, FileNode, Inode } from './inode.ts';
import type { Namespace, Place } from './namespace.ts';
import { Refusal, refuse } from './simulated-error.ts';

/** A directory and an entry of it, which may exist or not. */
export interface Slot {
  readonly place: Place;
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly fileSystem: FileSystem;
  readonly existing: Inode | undefined;
}

/** @throws Refusal ENOENT, ENOTDIR, EROFS. */
export const slotFor = (namespace: Namespace, path: string): Slot => {
  const { place, directory, name } = namespace.parentOf(path);
  const { fileSystem, readOnly } = place.mount;
  if (readOnly || fileSystem.readOnly) refuse('EROFS');
  return { place, directory, name, fileSystem, existing: directory.entries.get(name) };
};

const notMounted = (namespace: Namespace, { directory, name, fileSystem }: Slot): void => {
  if (namespace.isMountPoint(directory, name, fileSystem)) refuse('EBUSY', 'something is mounted there');
};

/** Follows symlinks. @throws Refusal EISDIR, ENODEV. undefined: nothing there. */
export const fileAt = (namespace: Namespace, path: string): FileNode | undefined => {
  const node = namespace.find(path)?.node;
  if (node === undefined || node.type === 'file') return node;
  return refuse(node.type === 'directory' ? 'EISDIR' : 'ENODEV');
};

export const bytesOf = (node: FileNode): Buffer =>
  node.sizeBytes === node.content.length ? Buffer.from(node.content) : Buffer.concat([node.content], node.sizeBytes);

/** @returns whether anything had to be made. */
export const makeDirectory = (namespace: Namespace, path: string, mode: number): boolean => {
  const existing = namespace.find(path);
  if (existing !== undefined) return existing.node.type === 'directory' ? false : refuse('EEXIST');
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent !== '') makeDirectory(namespace, parent, mode);
  const { fileSystem, directory, name } = slotFor(namespace, path);
  if (name !== '') fileSystem.attach(directory, name, fileSystem.directory(mode));
  return true;
};

/** As the Linux host names them: what a crash leaves of them is not listed, but takes room. */
const temporaryFor = (name: string, number: number): string =>
  `.${name}.pvtmp-1-${number.toString(16).padStart(8, '0')}`;

export const isTemporary = (name: string): boolean => /^\..*\.pvtmp-\d+-[0-9a-f]{8}$/s.test(name);

/** A new inode under a temporary name that then takes the place of the old one. */
const replace = ({ fileSystem, directory, name, existing }: Slot, node: Inode): void => {
  if (existing?.type === 'directory') refuse('EISDIR');
  const temporary = temporaryFor(name, node.number);
  fileSystem.attach(directory, temporary, node);
  fileSystem.move(directory, temporary, directory, name);
};

export const writeFile = (namespace: Namespace, path: string, content: Buffer, mode: number): void => {
  const slot = slotFor(namespace, path);
  notMounted(namespace, slot);
  replace(slot, slot.fileSystem.file(content, mode));
};

export const append = (namespace: Namespace, path: string, content: Buffer, mode: number): void => {
  const { fileSystem, directory, name, existing } = slotFor(namespace, path);
  if (existing === undefined) fileSystem.attach(directory, name, fileSystem.file(Buffer.alloc(0), mode));
  else if (existing.type !== 'file') refuse(existing.type === 'directory' ? 'EISDIR' : 'ELOOP');
  const node = directory.entries.get(name);
  if (node?.type === 'file') fileSystem.append(node, content);
};

export const makeSymlink = (namespace: Namespace, target: string, path: string): void => {
  const slot = slotFor(namespace, path);
  notMounted(namespace, slot);
  replace(slot, slot.fileSystem.symlink(target));
};

export const rename = (namespace: Namespace, from: string, to: string): void => {
  const [source, target] = [slotFor(namespace, from), slotFor(namespace, to)];
  const node = source.existing ?? refuse('ENOENT');
  if (source.place.mount !== target.place.mount) refuse('EXDEV');
  for (const slot of [source, target]) notMounted(namespace, slot);
  if (target.existing === node) return;
  if (`${target.place.path}/`.startsWith(`${source.place.path}/${source.name}/`)) refuse('EINVAL', 'into itself');
  if (target.existing?.type === 'directory') {
    if (node.type !== 'directory') refuse('EISDIR');
    if (target.existing.entries.size > 0) refuse('ENOTEMPTY');
  } else if (node.type === 'directory' && target.existing !== undefined) refuse('ENOTDIR');
  source.fileSystem.move(source.directory, source.name, target.directory, target.name);
};

/** @returns whether anything had to be done. */
export const link = (namespace: Namespace, existing: string, path: string): boolean => {
  const source = namespace.find(existing, false) ?? refuse('ENOENT');
  const slot = slotFor(namespace, path);
  if (slot.existing === source.node) return false;
  if (source.node.type === 'directory') refuse('EPERM', 'directories have one name');
  notMounted(namespace, slot);
  try {
    if (source.mount !== slot.place.mount) refuse('EXDEV');
    replace(slot, source.node);
  } catch (error) {
    if (!(error instanceof Refusal) || !['EXDEV', 'EMLINK'].includes(error.code)) throw error;
    replace(slot, copyOf(source.node, slot.fileSystem));
  }
  return true;
};

const copyOf = (node: Inode, fileSystem: FileSystem): Inode => {
  if (node.type === 'symlink') return fileSystem.symlink(node.target);
  if (node.type !== 'file') return refuse('EINVAL', `cannot copy a ${node.type}`);
  const copy = fileSystem.file(node.content, node.mode, node.sizeBytes);
  copy.formatted = node.formatted;
  return copy;
};

/** Refuses as a whole when anything in the tree is a mount point. @returns whether there was anything. */
export const remove = (namespace: Namespace, path: string): boolean => {
  const place = namespace.find(path, false);
  if (place === undefined) return false;
  const slot = slotFor(namespace, path);
  checkTree(namespace, slot);
  removeEntry(slot.fileSystem, slot.directory, slot.name);
  return true;
};

const checkTree = (namespace: Namespace, slot: Slot): void => {
  notMounted(namespace, slot);
  if (slot.existing?.type !== 'directory') return;
  for (const [name, existing] of slot.existing.entries) {
    checkTree(namespace, { ...slot, directory: slot.existing, name, existing });
  }
};

/** Leaves first, as rm does: torn, a part of the tree is left. */
export const removeEntry = (fileSystem: FileSystem, directory: DirectoryNode, name: string): void => {
  const node = directory.entries.get(name);
  if (node?.type === 'directory') for (const inner of [...node.entries.keys()]) removeEntry(fileSystem, node, inner);
  fileSystem.detach(directory, name);
};

export const copyTree = (namespace: Namespace, from: string, to: string): void => {
  const source = namespace.find(from) ?? refuse('ENOENT');
  if (source.node.type !== 'directory') refuse('ENOTDIR');
  if (`${to}/`.startsWith(`${from}/`)) refuse('EINVAL', 'into itself');
  remove(namespace, to);
  makeDirectory(namespace, to, source.node.mode);
  if (source.node.type === 'directory') copyEntries(namespace, source, to);
};

const copyEntries = (namespace: Namespace, source: Place, to: string): void => {
  if (source.node.type !== 'directory') return;
  for (const name of source.node.entries.keys()) {
    const entry = namespace.find(`${source.path}/${name}`) ?? refuse('ENOENT', `${name} points nowhere`);
    const slot = slotFor(namespace, `${to}/${name}`);
    if (entry.node.type === 'directory') {
      makeDirectory(namespace, `${to}/${name}`, entry.node.mode);
      copyEntries(namespace, entry, `${to}/${name}`);
    } else slot.fileSystem.attach(slot.directory, name, copyOf(entry.node, slot.fileSystem));
  }
};

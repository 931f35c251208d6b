/** What a mount of the simulated device is to the port. */
import type { Mount } from '../host.ts';
import type { FileSystem } from './file-system.ts';
import { pathWithin } from './inode.ts';
import { type Mounted, type Namespace, type NewMount, type Place, rootPathOf } from './namespace.ts';

/** All of a file system. */
export const whole = (
  fileSystem: FileSystem,
): Pick<NewMount, 'fileSystem' | 'root' | 'rootDirectory' | 'rootName'> => ({
  fileSystem,
  root: fileSystem.root,
  rootDirectory: fileSystem.root,
  rootName: undefined,
});

/** The tree or file at a place, to be shown elsewhere. */
export const boundTree = ({ mount, node, directory, name }: Place, readOnly: boolean): NewMount => {
  const common = {
    type: 'bind' as const,
    fileSystem: mount.fileSystem,
    source: mount.source,
    root: node,
    readOnly: readOnly || mount.readOnly,
  };
  if (node.type === 'directory') return { ...common, rootDirectory: node, rootName: undefined };
  // A file: named by an entry, or itself the root of a bind.
  if (directory === undefined) return { ...mount, ...common };
  return { ...common, rootDirectory: directory, rootName: name };
};

/** Whether mounting `wanted` would change nothing. Every tmpfs is as good as another, and stays. */
export const shows = (mounted: Mounted, wanted: NewMount): boolean => {
  if (mounted.type !== wanted.type || mounted.readOnly !== wanted.readOnly) return false;
  if (wanted.type === 'tmpfs') return true;
  return wanted.type === 'image' ? mounted.backing?.node === wanted.backing?.node : mounted.root === wanted.root;
};

const exists = ({ node, directory, name }: Place): boolean =>
  directory === undefined || (directory.entries.get(name) === node && pathWithin(directory) !== undefined);

/** As the Linux host has it: a bind's inode is part of its identity, so that a tree made anew is another tree. */
export const describeMount = (namespace: Namespace, mounted: Mounted): Mount => {
  const { target, type, fileSystem, readOnly, backing, source, root } = mounted;
  const device = source === undefined ? [] : [source];
  const rootPath = rootPathOf(mounted);
  const tree = `${fileSystem.major}:${fileSystem.minor}:${rootPath ?? lastPathOf(mounted)}`;
  const common = { target, type, readOnly: readOnly || fileSystem.readOnly };
  if (backing !== undefined && type === 'image') {
    return { ...common, sources: [backing.path], identity: tree, deleted: !exists(backing) };
  }
  if (type !== 'bind') return { ...common, sources: device, identity: tree, deleted: false };
  const sources = rootPath === undefined ? [] : namesOf(namespace, mounted, rootPath);
  return {
    ...common,
    sources: [...sources, ...device],
    identity: `${tree}#${root.number}`,
    deleted: rootPath === undefined,
  };
};

const lastPathOf = ({ rootDirectory, rootName }: Mounted): string => {
  const names = rootName === undefined ? [] : [rootName];
  for (let node = rootDirectory; node.parent !== undefined; node = node.parent) names.unshift(node.name);
  return `/${names.join('/')}`;
};

const namesOf = (namespace: Namespace, mounted: Mounted, rootPath: string): readonly string[] => {
  const paths = namespace.mounts.flatMap((other) => {
    const above = other.fileSystem === mounted.fileSystem ? rootPathOf(other) : undefined;
    if (above === undefined) return [];
    const prefix = above === '/' ? '' : above;
    if (rootPath !== above && !rootPath.startsWith(`${prefix}/`)) return [];
    const rest = rootPath.slice(prefix.length);
    const path = rest === '/' || rest === '' ? other.target : `${other.target === '/' ? '' : other.target}${rest}`;
    return path !== mounted.target && namespace.find(path, false)?.node === mounted.root ? [path] : [];
  });
  return [...new Set(paths)];
};

/** The port of log files on the simulated device. What was appended and not synced may be lost with the power. */
import { gzipSync } from 'node:zlib';
import type { LogFile, LogFileStat, LogFiles } from '../log-files.ts';
import type { FileNode, Inode } from './inode.ts';
import * as tree from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import type { Place } from './namespace.ts';
import type { Caller } from './simulated-daemon.ts';
import { refuse } from './simulated-error.ts';

type Perform = <T>(name: keyof LogFiles | keyof LogFile, path: string, effect: () => T) => Promise<T>;

const directoriesOf = (path: string): readonly string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join('/'));

export const simulatedLogFiles = (kernel: Kernel, caller: Caller, root: string): LogFiles => {
  const { namespace } = kernel;
  const perform: Perform = (name, subject, effect) => caller.perform({ port: 'logs', name, subject }, effect);
  const absolute = (path: string): string => `${root}/${path}`;
  const placeOf = (path: string): Place | undefined => namespace.find(absolute(path), false);

  const isReached = (path: string): boolean =>
    directoriesOf(path).every((directory) => placeOf(directory)?.node.type === 'directory');
  const ownFile = (path: string): FileNode | undefined => {
    const node = isReached(path) ? placeOf(path)?.node : undefined;
    return node?.type === 'file' && node.links === 1 ? node : undefined;
  };
  const makeDirectories = (path: string): void => {
    for (const directory of directoriesOf(path)) {
      const type = placeOf(directory)?.node.type;
      if (type === 'file') refuse('ENOTDIR', 'a log file has that name');
      if (type !== 'directory') tree.remove(namespace, absolute(directory));
      tree.makeDirectory(namespace, absolute(directory), 0o755);
    }
  };
  const openFile = (path: string): FileNode => {
    makeDirectories(path);
    const own = ownFile(path);
    if (own !== undefined) return own;
    if (placeOf(path)?.node.type === 'directory') refuse('EISDIR', 'a log has it as its directory');
    tree.remove(namespace, absolute(path));
    const { fileSystem, directory, name } = tree.slotFor(namespace, absolute(path));
    const node = fileSystem.file(Buffer.alloc(0), 0o644);
    fileSystem.attach(directory, name, node);
    return node;
  };

  const rename = (from: string, to: string): void => tree.rename(namespace, absolute(from), absolute(to));
  const compress = (from: string, to: string): number => {
    const node = ownFile(from) ?? refuse('ENOENT');
    const content = gzipSync(tree.bytesOf(node));
    const unfinished = absolute(to).replace(/[^/]+$/, (name) => `.${name}.pvtmp`);
    tree.writeFile(namespace, unfinished, content, 0o644);
    tree.rename(namespace, unfinished, absolute(to));
    tree.remove(namespace, absolute(from));
    return content.length;
  };
  const list = (): readonly LogFileStat[] => {
    const node = namespace.find(root)?.node;
    return node === undefined ? [] : filesIn(node, '');
  };

  return {
    open: async (path) => {
      const { node, fileSystem } = await perform('open', path, () => {
        const opened = openFile(path);
        return { node: opened, fileSystem: (placeOf(path) ?? refuse('ENOENT')).mount.fileSystem };
      });
      return {
        identity: `${fileSystem.device}:${node.number}`,
        sizeBytes: node.sizeBytes,
        append: (parts) => {
          const content = Buffer.concat(parts); // a copy: what the caller does to its buffers later is not written
          return perform('append', path, () => {
            fileSystem.append(node, content);
            return node.sizeBytes;
          });
        },
        isNamed: () => perform('isNamed', path, () => node.links > 0),
        truncate: (sizeBytes) =>
          perform('truncate', path, () => fileSystem.overwrite(node, node.content.subarray(0, sizeBytes))),
        sync: () => perform('sync', path, () => kernel.journal.sync()),
        close: () => perform('close', path, () => undefined),
      };
    },
    identity: (path) =>
      perform('identity', path, () => {
        const node = ownFile(path);
        const device = placeOf(path)?.mount.fileSystem.device;
        return node && { identity: `${device}:${node.number}`, sizeBytes: node.sizeBytes };
      }),
    list: () => perform('list', root, list),
    rename: (from, to) => perform('rename', from, () => rename(from, to)),
    compress: (from, to) => perform('compress', from, () => compress(from, to)),
    remove: (path) => perform('remove', path, () => void (isReached(path) && tree.remove(namespace, absolute(path)))),
    room: () =>
      perform('room', root, () => {
        const { fileSystem } = (namespace.find(root) ?? refuse('ENOENT')).mount;
        return { ...fileSystem.space, inMemory: fileSystem.type === 'tmpfs' };
      }),
  };
};

const filesIn = (node: Inode, path: string): readonly LogFileStat[] => {
  if (node.type === 'file') return [{ path, sizeBytes: node.sizeBytes }];
  if (node.type !== 'directory') return [];
  const prefix = path === '' ? '' : `${path}/`;
  return [...node.entries].flatMap(([name, inner]) => filesIn(inner, `${prefix}${name}`));
};

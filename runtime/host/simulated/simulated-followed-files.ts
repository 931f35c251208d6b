/** The port of followed files on the simulated device. */
import { Observable } from 'rxjs';
import type { FollowedFile, FollowedFiles } from '../followed-files.ts';
import type { FileNode } from './inode.ts';
import * as tree from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import type { Place } from './namespace.ts';
import type { Caller } from './simulated-daemon.ts';
import { watchPath } from './simulated-watch.ts';

/** Extended attributes: they stay with the file, whatever becomes of the daemon. */
const positions = new WeakMap<FileNode, number>();

type Perform = <T>(name: keyof FollowedFiles | keyof FollowedFile, path: string, effect: () => T) => Promise<T>;

export const simulatedFollowedFiles = (kernel: Kernel, caller: Caller): FollowedFiles => {
  const { namespace } = kernel;
  const perform: Perform = (name, subject, effect) => caller.perform({ port: 'logs', name, subject }, effect);

  const followed = (path: string, { mount: { fileSystem } }: Place, node: FileNode): FollowedFile => ({
    identity: `${fileSystem.device}:${node.number}`,
    stat: () => perform('stat', path, () => ({ sizeBytes: node.sizeBytes, isNamed: node.links > 0 })),
    read: (position, maxBytes) =>
      perform('read', path, () => tree.bytesOf(node).subarray(position, position + maxBytes)),
    position: () => perform('position', path, () => positions.get(node)),
    remember: (position) =>
      perform('remember', path, () => {
        positions.set(node, position);
        return true;
      }),
    release: () => perform('release', path, () => undefined),
    empty: (ifSizeBytes) =>
      perform('empty', path, () => {
        if (ifSizeBytes !== undefined && node.sizeBytes !== ifSizeBytes) return false;
        fileSystem.overwrite(node, Buffer.alloc(0));
        return true;
      }),
    close: () => perform('close', path, () => undefined),
  });

  return {
    open: ({ path: root }, path) =>
      perform('open', path, () => {
        const place = namespace.find(`${root}${path}`);
        return place?.node.type === 'file' ? followed(path, place, place.node) : undefined;
      }),
    watch: ({ path: root }, path) =>
      new Observable((subscriber) => {
        const listen = (tell: (value: undefined) => void): (() => void) => watchPath(namespace, `${root}${path}`, tell);
        const watching = caller.notifications({ port: 'logs', name: 'watch' }, () => path, listen);
        const subscription = watching.subscribe(subscriber);
        Promise.resolve().then(() => subscriber.next());
        return subscription;
      }),
  };
};

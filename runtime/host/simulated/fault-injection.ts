/** Somebody else on the simulated device: at once, never refused, not in the daemon's log. */
import type { Exit } from '../../../resources/kinds/container.ts';
import { makeDirectory, remove, writeFile } from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import { whole } from './simulated-mount-status.ts';

export interface Mischief {
  unmount(target: string): void;
  /** A tmpfs of somebody else's on top. */
  mountOver(target: string): void;
  /** The loop device under a mount loses its backing file. */
  detachLoop(target: string): void;
  /** A shell stands in there: unmounting says EBUSY until it leaves. */
  enter(target: string): void;
  leave(target: string): void;
  /** Init ends; by default of SIGKILL. */
  kill(container: string, exit?: Exit): void;
  killMonitor(container: string): void;
  freeze(container: string): void;
  unfreeze(container: string): void;
  swapOff(path: string): void;
  /** As rm -rf; what is mounted inside stays. */
  removeTree(path: string): void;
  /** With parents. */
  write(path: string, content: string | Uint8Array): void;
  /** Somebody writes into a file: the same file, other content, under all its names. */
  rot(path: string, content: string): void;
  /** Fills the file system that holds `path`. */
  leaveFree(path: string, freeBytes: number): void;
  /** The wall clock jumps. */
  setWallTime(time: Date): void;
}

export const mischiefOn = (kernel: Kernel): Mischief => {
  const { namespace, lxc, timeline } = kernel;
  return {
    unmount: (target) => {
      const mounted = namespace.at(target);
      if (mounted !== undefined) namespace.detach(mounted);
    },
    mountOver: (target) => {
      const place = namespace.find(target);
      if (place !== undefined) namespace.attach({ type: 'tmpfs', ...whole(kernel.tmpfs()), readOnly: false }, place);
    },
    detachLoop: (target) => {
      const mounted = namespace.at(target);
      if (mounted?.type === 'image') namespace.orphan(mounted);
    },
    enter: (target) => void kernel.busy.add(target),
    leave: (target) => void kernel.busy.delete(target),
    kill: (container, exit) => void lxc.kill(container, exit),
    killMonitor: (container) => lxc.killMonitor(container),
    freeze: (container) => lxc.freeze(container),
    unfreeze: (container) => void lxc.unfreeze(container),
    swapOff: (path) => void kernel.swaps.delete(path),
    removeTree: (path) => void remove(namespace, path),
    write: (path, content) => {
      makeDirectory(namespace, path.slice(0, path.lastIndexOf('/')), 0o755);
      writeFile(namespace, path, Buffer.from(content), 0o644);
      kernel.journal.sync();
    },
    rot: (path, content) => {
      const place = namespace.find(path);
      if (place?.node.type === 'file') place.mount.fileSystem.overwrite(place.node, Buffer.from(content));
    },
    leaveFree: (path, freeBytes) => namespace.find(path)?.mount.fileSystem.leaveFree(freeBytes),
    setWallTime: (time) => timeline.setWall(time.getTime()),
  };
};

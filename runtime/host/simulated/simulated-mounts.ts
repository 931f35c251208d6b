/** The Mounts port of the simulated device. */
import type { Mounts } from '../host.ts';
import type { Kernel } from './kernel.ts';
import type { Namespace, NewMount, Place } from './namespace.ts';
import type { Call, Caller } from './simulated-daemon.ts';
import { refuse } from './simulated-error.ts';
import { boundTree, describeMount, shows, whole } from './simulated-mount-status.ts';

export const simulatedMounts = (kernel: Kernel, caller: Caller): Mounts => {
  const { namespace, short } = kernel;
  const call = (name: keyof Mounts, subject: string): Call => ({ port: 'mounts', name, subject });
  /** Mounts unless the same already is the topmost at the target. */
  const mount = (name: keyof Mounts, target: string, sentence: string, make: () => readonly Part[]): Promise<void> =>
    caller.perform(call(name, target), () => {
      const place = placeOf(namespace, target);
      const [wanted, ...inside] = make();
      if (wanted === undefined) return refuse('EINVAL');
      const topmost = namespace.at(place.path);
      if (topmost !== undefined && shows(topmost, wanted.mount)) return;
      if ((wanted.mount.root.type === 'directory') !== (place.node.type === 'directory')) refuse('ENOTDIR');
      namespace.attach(wanted.mount, place);
      for (const part of inside) namespace.attach(part.mount, placeOf(namespace, `${place.path}${part.path}`));
      caller.note(`${sentence} on ${short(target)}`);
    });

  return {
    at: (target) =>
      caller.perform(call('at', target), () => {
        const found = namespace.at(target);
        return found && describeMount(namespace, found);
      }),
    below: (directory) =>
      caller.perform(call('below', directory), () => {
        const prefix = directory === '/' ? '/' : `${directory}/`;
        const targets = namespace.mounts.map(({ target }) => target);
        return [...new Set(targets)].filter((target) => target.startsWith(prefix) && target !== '/');
      }),
    mountImage: ({ image, target, filesystem, readOnly }) =>
      mount('mountImage', target, `mount image ${short(image)}`, () => {
        const backing = namespace.find(image) ?? refuse('ENOENT', `no image ${image}`);
        if (backing.node.type !== 'file') return refuse('EINVAL', `${image} is no file`);
        const fileSystem = kernel.loopOf(backing.node, filesystem, backing.mount.fileSystem);
        return only({ type: 'image', ...whole(fileSystem), backing, readOnly });
      }),
    bind: ({ source, target, recursive, readOnly }) =>
      mount('bind', target, `bind ${short(source)}${readOnly ? ' read-only' : ''}`, () =>
        boundParts(namespace, placeOf(namespace, source), { recursive, readOnly }),
      ),
    mountTmpfs: ({ target }) =>
      mount('mountTmpfs', target, 'mount tmpfs', () =>
        only({ type: 'tmpfs', ...whole(kernel.tmpfs()), readOnly: false }),
      ),
    mountDevice: ({ device, target, filesystem, flags }) =>
      mount('mountDevice', target, `mount ${short(device)}`, () => {
        const { node } = namespace.find(device) ?? refuse('ENOENT', `no device ${device}`);
        if (node.type !== 'device') return refuse('ENOTBLK');
        const fileSystem = kernel.insideOf(node.block, filesystem);
        const readOnly = flags.includes('MS_RDONLY');
        return only({ type: 'foreign', ...whole(fileSystem), source: device, readOnly });
      }),
    unmount: (target) => caller.perform(call('unmount', target), () => takeOff(kernel, caller, target)),
    changes: caller.notifications({ port: 'mounts', name: 'changes' }, String, (tell) => namespace.onChange(tell)),
  };
};

/** A mount, and where below the target it goes. */
interface Part {
  readonly mount: NewMount;
  readonly path: string;
}

const only = (mount: NewMount): readonly Part[] => [{ mount, path: '' }];

/** A symlink at a mount point leads to where nobody wanted anything mounted. */
const placeOf = (namespace: Namespace, path: string): Place => {
  const place = namespace.find(path, false) ?? refuse('ENOENT', `no ${path}`);
  return place.node.type === 'symlink' ? refuse('ELOOP', `${path} is a symlink`) : place;
};

const boundParts = (
  namespace: Namespace,
  source: Place,
  how: { readonly recursive: boolean; readonly readOnly: boolean },
): readonly Part[] => {
  const prefix = `${source.path}/`;
  const inside = how.recursive ? namespace.mounts.filter(({ target }) => target.startsWith(prefix)) : [];
  const parts = inside.map((mounted) => ({
    mount: { ...mounted, readOnly: how.readOnly || mounted.readOnly },
    path: mounted.target.slice(source.path.length),
  }));
  return [{ mount: boundTree(source, how.readOnly), path: '' }, ...parts];
};

const takeOff = (kernel: Kernel, caller: Caller, target: string): void => {
  const mounted = kernel.namespace.at(target);
  if (mounted === undefined) return;
  const prefix = `${target}/`;
  const busy = [...kernel.busy].some((path) => path === target || path.startsWith(prefix));
  if (busy) refuse('EBUSY', 'somebody uses it');
  kernel.namespace.detach(mounted);
  caller.note(`unmount ${kernel.short(target)}`);
};

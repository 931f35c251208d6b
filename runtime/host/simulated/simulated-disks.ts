/** The Disks port of the simulated device. */
import type { Disks } from '../host.ts';
import { contentsOf, type Inode } from './inode.ts';
import { slotFor } from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import type { Call, Caller } from './simulated-daemon.ts';
import { refuse } from './simulated-error.ts';

export const simulatedDisks = (kernel: Kernel, caller: Caller): Disks => {
  const { namespace, short } = kernel;
  const call = (name: keyof Disks, subject: string): Call => ({ port: 'disks', name, subject });
  /** An effect answers whether it changed anything. */
  const change = (name: keyof Disks, path: string, sentence: string, effect: () => boolean): Promise<void> =>
    caller.perform(call(name, path), () => {
      if (effect()) caller.note(sentence);
    });
  const find = (path: string): Inode => namespace.find(path)?.node ?? refuse('ENOENT');

  return {
    zramSupported: kernel.zramSupported,
    swapSupported: kernel.swapSupported,
    contents: (path) =>
      caller.perform(call('contents', path), () => {
        const node = namespace.find(path)?.node;
        return node && contentsOf(node);
      }),
    allocate: (path, sizeBytes) =>
      change('allocate', path, `allocate ${short(path)}`, () => {
        const { fileSystem, directory, name, existing } = slotFor(namespace, path);
        if (existing !== undefined) return false;
        fileSystem.attach(directory, name, fileSystem.file(Buffer.alloc(0), 0o600, sizeBytes));
        return true;
      }),
    format: (path, type) =>
      change('format', path, `format ${short(path)} as ${type}`, () => format(kernel, path, type)),
    zramCreate: (settings) =>
      caller.perform(call('zramCreate', settings.map((pair) => pair.join('=')).join(' ')), () => {
        if (!settings.some(([key]) => key === 'disksize')) refuse('EINVAL', 'no disksize set');
        const node = kernel.zram.create();
        caller.note(`create ${short(node)}`);
        return node;
      }),
    zramRemove: (device) => change('zramRemove', device, `free ${short(device)}`, () => kernel.zram.remove(device)),
    swaps: () => caller.perform(call('swaps', ''), () => kernel.swaps.list()),
    swapOn: (path) =>
      change('swapOn', path, `swap on ${short(path)}`, () => {
        if (!kernel.swapSupported) refuse('ENOSYS', 'this kernel has no swap');
        return contentsOf(find(path)) === 'swap' ? kernel.swaps.add(path) : refuse('EINVAL', 'not made by mkswap');
      }),
    swapOff: (path) => change('swapOff', path, `swap off ${short(path)}`, () => kernel.swaps.delete(path)),
    swapChanges: caller.notifications(
      { port: 'disks', name: 'swapChanges' },
      () => '',
      (tell: (value: undefined) => void) => kernel.swaps.onChange(() => tell(undefined)),
    ),
  };
};

const format = (kernel: Kernel, path: string, type: string): boolean => {
  const place = kernel.namespace.find(path) ?? refuse('ENOENT');
  const { node } = place;
  const contents = contentsOf(node) ?? refuse('EISDIR');
  if (contents !== 'blank') refuse('EEXIST', `holds ${contents}`);
  if (place.mount.readOnly || place.mount.fileSystem.readOnly) refuse('EROFS');
  if (node.type === 'file') place.mount.fileSystem.stamp(node, type);
  if (node.type === 'device') place.mount.fileSystem.stamp(node.block, type);
  return true;
};

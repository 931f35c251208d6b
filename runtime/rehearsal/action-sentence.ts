/** What an action does, in a few words for people: `mount image 12ab34cd… on web/root.squashfs`. */
import type { Action } from '../../resources/action.ts';
import type { DiskSpec } from '../../resources/kinds/disk.ts';
import type { VolumeSource } from '../../resources/kinds/volume.ts';
import { nameOf } from '../../resources/ref.ts';

export const sentenceOf = (action: Action): string => {
  const name = nameOf(action.ref);
  switch (action.type) {
    case 'disk.provision':
      return `set up disk ${name}`;
    case 'disk.format':
      return `format ${action.path} as ${filesystemOf(action.spec)} for disk ${name}`;
    case 'disk.activate':
      return action.spec.use.type === 'swap' ? `swap on disk ${name}` : `mount disk ${name}`;
    case 'disk.deactivate':
      return action.status.use.type === 'swap' ? `swap off disk ${name}` : `unmount disk ${name}`;
    case 'disk.release':
      return `let go of disk ${name}`;
    case 'volume.mount':
      return `${mountingOf(action.spec.source)} on ${name}`;
    case 'volume.unmount':
      return `unmount ${name}`;
    case 'group.open':
      return `open group ${name}`;
    case 'group.close':
      return `close group ${name}`;
    case 'container.install':
    case 'container.start':
    case 'container.halt':
    case 'container.kill':
    case 'container.unfreeze':
    case 'container.reset':
    case 'container.remove':
      return `${action.type.slice('container.'.length)} ${name}`;
    case 'update.try':
      return `try ${action.revision.revision}, with ${action.fallback} to fall back to`;
    case 'update.test':
      return `test ${action.revision}`;
    case 'update.commit':
      return `commit ${action.revision}`;
    case 'update.rollBack':
      return `roll back from ${action.failure.revision}`;
    case 'update.reboot':
      return 'reboot';
    case 'update.hold':
      return action.stage === 'none' ? 'all is well again' : `hold the device: ${action.stage}`;
    default:
      return action satisfies never;
  }
};

const filesystemOf = ({ use }: DiskSpec): string => (use.type === 'swap' ? 'swap' : (use.filesystem ?? 'nothing'));

const mountingOf = (source: VolumeSource): string => {
  switch (source.type) {
    case 'image':
      return `mount image ${source.image.slice(source.image.lastIndexOf('/') + 1).slice(0, 8)}…`;
    case 'tmpfs':
      return 'mount an empty tmpfs';
    case 'file':
    case 'tree':
    case 'directory':
      return `bind ${source.path}`;
    case 'scratch':
      return `bind ${source.path}, emptied,`;
    default:
      return source satisfies never;
  }
};

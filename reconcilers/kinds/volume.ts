import type { VolumeSource, VolumeStatus } from '../../resources/kinds/volume.ts';
import { nameOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import { type Change, type KindRules, type Look, none, unasked } from '../kind-rules.ts';
import { isAlive, ownerOf } from '../relations.ts';
import { isMounted } from '../volume.ts';

export const volumeRules: KindRules<'volume'> = {
  dependsOn: ({ disk }) => (disk === undefined ? [] : [disk]),
  uses: none,
  whyNotReady: (volume) => (isMounted(volume) ? undefined : `volume ${nameOf(volume.ref)} is not mounted yet`),
  // A container that lives keeps what it was started with.
  fingerprint: (spec) => JSON.stringify(spec),
  failsTrial: ({ ref }, snapshot) => !isAlive(resourceIn(snapshot, ownerOf(ref)).status),
  change: (look) => (look.when === 'watching' ? changeOf(look) : undefined),
  actions: {
    'volume.mount': {
      step: ({ ref, spec }) => `${mountingOf(spec.source)} on ${nameOf(ref)}`,
      done: 'was mounted',
      needsDependencies: true,
    },
    'volume.unmount': { step: ({ ref }) => `unmount ${nameOf(ref)}`, done: 'was unmounted' },
  },
};

const changeOf = ({ before, after }: Look<VolumeStatus>): Change | undefined => {
  if (after === undefined) return before === undefined ? undefined : unasked('was unmounted behind our back');
  if (before === undefined) return unasked('was mounted by somebody else');
  if (after.deleted && !before.deleted) return unasked('shows what was deleted');
  return after.identity === before.identity ? undefined : unasked('has something else mounted on it');
};

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

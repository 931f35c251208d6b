import type { DiskSpec } from '../../resources/kinds/disk.ts';
import { nameOf } from '../../resources/ref.ts';
import { isUp } from '../disk.ts';
import { type KindRules, none, unasked } from '../kind-rules.ts';

export const diskRules: KindRules<'disk'> = {
  dependsOn: none,
  uses: none,
  whyNotReady: (disk) => (isUp(disk) ? undefined : `its disk ${nameOf(disk.ref)} is not up`),
  fingerprint: (spec) => JSON.stringify(spec),
  failsTrial: () => true,
  change: ({ before, after, when }) =>
    when === 'watching' && before?.active === true && after?.active !== true
      ? unasked('was taken off behind our back')
      : undefined,
  actions: {
    'disk.provision': { step: ({ spec }) => `set up disk ${spec.name}`, done: 'was set up' },
    'disk.format': {
      step: ({ path, spec }) => `format ${path} as ${filesystemOf(spec)} for disk ${spec.name}`,
      done: 'was formatted',
    },
    'disk.activate': {
      step: ({ ref, spec }) => `${spec.use.type === 'swap' ? 'swap on' : 'mount'} disk ${nameOf(ref)}`,
      done: 'was put to use',
    },
    'disk.deactivate': {
      step: ({ ref, status }) => `${status.use.type === 'swap' ? 'swap off' : 'unmount'} disk ${nameOf(ref)}`,
      done: 'was taken out of use',
    },
    'disk.release': { step: ({ ref }) => `let go of disk ${nameOf(ref)}`, done: 'was given back' },
  },
};

const filesystemOf = ({ use }: DiskSpec): string => (use.type === 'swap' ? 'swap' : (use.filesystem ?? 'nothing'));

import { nameOf } from '../../resources/ref.ts';
import { type KindRules, none } from '../kind-rules.ts';

export const groupRules: KindRules<'group'> = {
  dependsOn: none,
  uses: none,
  whyNotReady: ({ ref, spec, status }) =>
    spec !== undefined && status?.revision === spec.revision ? undefined : `group ${nameOf(ref)} is not open yet`,
  // Its members tell who was late.
  fingerprint: undefined,
  failsTrial: () => false,
  change: () => undefined,
  actions: {
    'group.open': { step: ({ ref }) => `open group ${nameOf(ref)}`, done: 'was opened' },
    'group.close': { step: ({ ref }) => `close group ${nameOf(ref)}`, done: 'was closed' },
  },
};

import { nameOf } from '../../resources/ref.ts';
import { type KindRules, none, unasked } from '../kind-rules.ts';

export const lampRules: KindRules<'lamp'> = {
  dependsOn: none,
  uses: none,
  whyNotReady: ({ ref, status }) => (status === undefined ? `lamp ${nameOf(ref)} is dark` : undefined),
  fingerprint: undefined,
  failsTrial: () => true,
  change: ({ before, after, when }) =>
    when === 'watching' && before !== undefined && after === undefined ? unasked('was put out') : undefined,
  actions: {
    'lamp.light': { step: ({ ref }) => `light ${nameOf(ref)}`, done: 'was lit' },
    'lamp.quench': { step: ({ ref }) => `quench ${nameOf(ref)}`, done: 'was quenched' },
  },
};

import type { KindRules } from '../kind-rules.ts';
import { none } from '../kind-rules.ts';

export const updateRules: KindRules<'update'> = {
  dependsOn: none,
  uses: none,
  whyNotReady: () => undefined,
  fingerprint: undefined,
  failsTrial: () => false,
  change: () => undefined,
  actions: {
    'update.try': {
      step: ({ revision, fallback }) => `try ${revision.revision}, with ${fallback} to fall back to`,
      done: 'is tried',
    },
    'update.test': { step: ({ revision }) => `test ${revision}`, done: 'is tested' },
    'update.commit': { step: ({ revision }) => `commit ${revision}`, done: 'was committed' },
    'update.rollBack': { step: ({ failure }) => `roll back from ${failure.revision}`, done: 'was rolled back' },
    'update.reboot': { step: () => 'reboot', done: 'reboots the device' },
    'update.hold': {
      step: ({ stage }) => (stage === 'none' ? 'all is well again' : `hold the device: ${stage}`),
      done: 'holds the device',
    },
  },
};

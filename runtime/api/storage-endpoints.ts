/** Making room on demand. */
import { DeviceError } from '../host/host.ts';
import { type Endpoint, json } from '../http/operation.ts';
import { document, failure } from '../http/reply.ts';
import type { ApiDeps } from './ports.ts';

export const storageEndpoints = (deps: ApiDeps): readonly Endpoint[] => [
  {
    path: '/storage/gc',
    role: 'mgmt',
    methods: {
      POST: {
        summary: 'Remove revisions and objects that nobody needs',
        answers: { 200: json('Reclaimed') },
        handle: async () => {
          try {
            // The blank behind the colon is Pantavisor's.
            return document(`{"reclaimed": ${await deps.collectGarbage()}}`);
          } catch (error) {
            if (!(error instanceof DeviceError)) throw error;
            deps.report(error, 'POST /storage/gc');
            return failure(500, 'Error running garbage collector');
          }
        },
      },
    },
  },
];

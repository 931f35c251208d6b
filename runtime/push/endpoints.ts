/** Everything that is served where things are pushed. */
import { json } from '../api/operation.ts';
import { document } from '../api/reply.ts';
import { patchOperation } from './editing.ts';
import { eventsEndpoint } from './events.ts';
import { objectEndpoint } from './objects.ts';
import type { PushEndpoint } from './operation.ts';
import type { PushPort } from './port.ts';
import { pvrEndpoints } from './pvr.ts';
import { revisionEndpoints } from './revisions.ts';
import type { Signing } from './signing.ts';

const MOST_AUDITED = 500;

/** Newest first. */
const auditEndpoint = ({ audited }: PushPort): PushEndpoint => ({
  path: '/v1/audit',
  methods: {
    GET: {
      summary: 'Who changed something here, or was refused to, newest first',
      scopes: ['control'],
      answers: { 200: json('Audit') },
      handle: async () =>
        document(
          (await audited())
            .slice(-MOST_AUDITED)
            .reverse()
            .map(({ time, from, reason, code }) => ({ time, from: from ?? '', what: reason, status: code ?? '' })),
        ),
    },
  },
});

export const pushEndpoints = (port: PushPort, signing: Signing): readonly PushEndpoint[] => {
  const all: readonly PushEndpoint[] = [
    objectEndpoint(port),
    ...revisionEndpoints(port, patchOperation(port)),
    eventsEndpoint(port),
    auditEndpoint(port),
    ...pvrEndpoints({ port, signing }),
    {
      path: '/v1/openapi.json',
      methods: {
        GET: {
          summary: 'This description',
          scopes: [],
          answers: { 200: json('OpenApi') },
          handle: async ({ origin }) => {
            const { describe } = await import('./describing.ts');
            return document(describe(all, origin));
          },
        },
      },
    },
  ];
  return all;
};

/** Everything that is served where things are pushed. */
import { json } from '../http/operation.ts';
import { document } from '../http/reply.ts';
import { eventsEndpoint } from './events.ts';
import { patchOperation } from './patch-endpoint.ts';
import { objectEndpoint } from './push-objects.ts';
import type { PushEndpoint } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { revisionEndpoints } from './push-revisions.ts';
import { pvrEndpoints } from './pvr.ts';
import type { Signing } from './signed-urls.ts';

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
            const { describe } = await import('./push-openapi.ts');
            return document(describe(all, origin));
          },
        },
      },
    },
  ];
  return all;
};

/** The OpenAPI document of what is served where things are pushed. Loaded when it is asked for. */
import { type About, openApiOf } from '../http/openapi.ts';
import type { PushEndpoint, PushOperation } from './push-operation.ts';
import { PUSH_SCHEMAS } from './push-schemas.ts';

const DESCRIPTION =
  'Bringing states and objects to a device from outside, on `PV_PVR_LISTEN`: `/v1` for everybody, `/cgi-bin/pvr` for ' +
  'the command line `pvr`. Tokens have scopes: read to look, push to bring, control to have something run. ' +
  'Too many requests are 429; what cannot be done now is 503, with Retry-After.';

const accessOf = (operation: Parameters<About['access']>[0]): Readonly<Record<string, unknown>> => {
  const { scopes } = operation as PushOperation; // of PushEndpoints all are
  return scopes === 'signed' ? { security: [] } : { security: [{ token: [] }], 'x-scopes': scopes };
};

export const describe = (endpoints: readonly PushEndpoint[], origin: string): Readonly<Record<string, unknown>> =>
  openApiOf(endpoints, {
    description: DESCRIPTION,
    server: `${origin}/`,
    schemas: PUSH_SCHEMAS,
    access: accessOf,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  });

/** What the control socket and the status listener say of themselves in `GET /openapi.json`. Loaded when it is asked for. */
import { type About, type DescribedEndpoint, openApiOf } from '../http/openapi.ts';
import { SCHEMAS } from './api-schemas.ts';

const DESCRIPTION =
  'HTTP on the unix socket `<run>/pv-ctrl`; what may be looked at also on `PV_STATUS_LISTEN`, read-only. ' +
  'Names in paths are never percent-decoded. On the socket an unknown path and an unsupported method are 400; ' +
  'on `PV_STATUS_LISTEN` methods other than GET and HEAD are 405.';

const CONTROL: About = {
  description: DESCRIPTION,
  server: 'http://localhost/',
  schemas: SCHEMAS,
  access: (_, endpoint) => ('role' in endpoint ? { 'x-role': endpoint.role } : {}),
};

export const describeControl = (endpoints: readonly DescribedEndpoint[]): ReturnType<typeof openApiOf> =>
  openApiOf(endpoints, CONTROL);

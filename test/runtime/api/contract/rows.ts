/** The contract of the control socket, row by row: endpoint, case, request, status, body. Bodies are compared as text. */
import { COMMANDS } from './commands.ts';
import { CONTAINERS } from './containers.ts';
import { METADATA } from './metadata.ts';
import { OBJECTS } from './objects.ts';
import { REST } from './rest.ts';
import type { Row } from './row.ts';
import { STEPS } from './steps.ts';

export const ROWS: readonly Row[] = [...CONTAINERS, ...OBJECTS, ...STEPS, ...METADATA, ...COMMANDS, ...REST];

/**
 * Every endpoint of Pantavisor's control socket and every status that is documented for it. Not here: the texts of secure boot, and what only
 * devices with drivers, xconnect or a Hub can answer.
 */
export const DOCUMENTED: Readonly<Record<string, readonly number[]>> = {
  'GET /containers': [200, 500],
  'PUT /containers/{}': [200, 400, 403, 404, 507],
  'GET /groups': [200, 500],
  'POST /signal': [200, 400, 500],
  'GET /objects': [200, 500],
  'PUT /objects/{}': [200, 400, 422, 500, 507],
  'GET /objects/{}': [200, 400, 500],
  'GET /steps': [200, 500],
  'GET /steps/{}': [200, 404],
  'GET /steps/locals/{}': [200, 404],
  'PUT /steps/locals/{}': [200, 400, 422, 500, 507],
  'GET /steps/{}/progress': [200, 404],
  'GET /steps/locals/{}/progress': [200, 404],
  'PUT /steps/{}/commitmsg': [200, 400, 500, 507],
  'PUT /steps/locals/{}/commitmsg': [200, 400, 500, 507],
  'GET /user-meta': [200, 500],
  'PUT /user-meta/{}': [200, 400, 500, 507],
  'DELETE /user-meta/{}': [200, 404],
  'GET /device-meta': [200, 500],
  'PUT /device-meta/{}': [200, 400, 500, 507],
  'DELETE /device-meta/{}': [200, 404],
  'GET /buildinfo': [200],
  'GET /drivers': [200],
  'PUT /drivers/load': [200],
  'PUT /drivers/unload': [200],
  'PUT /drivers/{}/load': [200, 400],
  'PUT /drivers/{}/unload': [200, 400],
  'POST /commands': [200, 204, 400, 409, 503, 507],
  'GET /config': [200],
  'GET /config2': [200],
  'GET /xconnect-graph': [404],
  'GET /daemons': [200],
  'PUT /daemons/{}': [404],
  'POST /storage/gc': [200, 500],
  'GET /wakelocks': [200],
};

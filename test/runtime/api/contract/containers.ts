/** Containers, groups and signals. */
import { EMPTY_SNAPSHOT } from '../../../../resources/snapshot.ts';
import { type Extra, errorOf, NO_ROOM, of } from './row.ts';

const NOT_LOADED = { snapshot: () => EMPTY_SNAPSHOT };

const control = (status: number, message: string): Extra => ({ given: { control: async () => ({ status, message }) } });
const order = (action: string): string => JSON.stringify({ action });
const WEB = '/containers/web';

export const CONTAINERS = [
  ...of(
    'GET /containers',
    [
      'there are some',
      '/containers',
      undefined,
      200,
      '[{"name":"sdk","group":"app","status":"STARTED","status_goal":"STARTED","restart_policy":"system","roles":["mgmt"]},' +
        '{"name":"web","group":"app","status":"STARTED","status_goal":"STARTED","restart_policy":"container","roles":[],"user_stopped":"false"}]',
    ],
    ['with a query', '/containers?a=b', undefined, 200, '*'],
    ['no state', '/containers', undefined, 500, errorOf('State not loaded yet'), { given: NOT_LOADED }],
  ),
  ...of(
    'PUT /containers/{}',
    ['accepted', WEB, order('stop'), 200, ''],
    ['no such container', '/containers/other', order('stop'), 404, errorOf('Container not found')],
    [
      'it is the system that restarts it',
      '/containers/sdk',
      order('stop'),
      403,
      errorOf("Container has restart_policy 'system' and cannot be controlled via API"),
    ],
    ['1025 bytes', WEB, ' '.repeat(1025), 507, errorOf(NO_ROOM)],
    ['nothing', WEB, '', 400, errorOf('No data')],
    ['no JSON', WEB, '{', 400, errorOf('Invalid JSON')],
    ['no action', WEB, '{"x":1}', 400, errorOf("Missing 'action' field")],
    ['unknown action', WEB, order('hop'), 400, errorOf("Invalid action. Use 'start', 'stop', or 'restart'")],
    [
      'start of what never ran',
      WEB,
      order('start'),
      400,
      errorOf('Container must be in STOPPED, STOPPING, or RECOVERING state to start'),
      control(400, 'Container must be in STOPPED, STOPPING, or RECOVERING state to start'),
    ],
    [
      'restart of what never ran',
      WEB,
      order('restart'),
      400,
      errorOf('Container state does not allow restart'),
      control(400, 'Container state does not allow restart'),
    ],
  ),
  ...of(
    'GET /groups',
    [
      'there is one',
      '/groups',
      undefined,
      200,
      '[{"name":"app","status_goal":"STARTED","restart_policy":"container","status":"READY"}]',
    ],
    ['no state', '/groups', undefined, 500, errorOf('State not loaded yet'), { given: NOT_LOADED }],
  ),
  ...of(
    'POST /signal',
    ['it is ready', '/signal', '{"type":"ready","payload":""}', 200, '', { caller: { container: 'web' } }],
    ['no state', '/signal', '{"type":"ready"}', 500, errorOf('State not loaded yet'), { given: NOT_LOADED }],
    ['no type', '/signal', '{"x":1}', 400, errorOf('Signal has bad format')],
    ['no JSON', '/signal', 'ready', 400, errorOf('Signal has bad format')],
    ['nothing', '/signal', '', 400, errorOf('Signal has bad format')],
    ['4097 bytes', '/signal', ' '.repeat(4097), 400, errorOf('Signal has bad format')],
    [
      'it is alive',
      '/signal',
      '{"type":"alive"}',
      500,
      errorOf('Signal not expected from this platform'),
      { caller: { container: 'web' } },
    ],
    ['of the host', '/signal', '{"type":"ready"}', 500, errorOf('Signal not expected from this platform')],
    [
      'of one that is not to be READY',
      '/signal',
      '{"type":"ready"}',
      500,
      errorOf('Signal not expected from this platform'),
      { caller: { container: 'sdk' } },
    ],
    ['of nobody', '/signal', '{"type":"ready"}', 500, errorOf('Internal Error'), { caller: 'nobody knows' }],
  ),
];

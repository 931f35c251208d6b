/** Build information, drivers, daemons, storage, configuration. */
import { errorOf, of, refused } from './row.ts';

export const REST = [
  ...of('GET /buildinfo', [
    'text',
    '/buildinfo',
    undefined,
    200,
    'pantavisor 0\n',
    { head: 'content-type: text/plain\r\n' },
  ]),
  ...of('GET /drivers', ['none', '/drivers', undefined, 200, '{}']),
  ...of('PUT /drivers/load', ['none', '/drivers/load', '', 200, '']),
  ...of('PUT /drivers/unload', ['none', '/drivers/unload', '', 200, '']),
  ...['load', 'unload'].flatMap((verb) =>
    of(
      `PUT /drivers/{}/${verb}`,
      ['of the host', `/drivers/wifi/${verb}`, '', 200, ''],
      [
        'of a container without it',
        `/drivers/wifi/${verb}`,
        '',
        400,
        errorOf('Error loading driver'),
        { caller: { container: 'sdk' } },
      ],
    ),
  ),
  ...of('GET /config', ['by older names', '/config', undefined, 200, '{"log.level":3}']),
  ...of('GET /config2', [
    'every key',
    '/config2',
    undefined,
    200,
    '[{"key":"PV_LOG_LEVEL","value":"3","modified":"env"}]',
  ]),
  ...of('GET /xconnect-graph', [
    'not there',
    '/xconnect-graph',
    undefined,
    404,
    errorOf('xconnect not enabled at build time'),
  ]),
  ...of('GET /daemons', ['none', '/daemons', undefined, 200, '[]']),
  ...of('PUT /daemons/{}', ['not there', '/daemons/hwrngd', '{"action":"stop"}', 404, errorOf('Daemon not found')]),
  ...of(
    'POST /storage/gc',
    ['with its blank', '/storage/gc', '', 200, '{"reclaimed": 12345}'],
    [
      'the disk fails',
      '/storage/gc',
      'ignored',
      500,
      errorOf('Error running garbage collector'),
      { given: { collectGarbage: refused } },
    ],
  ),
  ...of('GET /wakelocks', [
    'none',
    '/wakelocks',
    undefined,
    200,
    '{"mode":"locks","count":0,"degraded":true,"autosleep":false,"settling":false,"polling":false,"run_window":false,' +
      '"held":{"boot":false,"update":false,"update_check":false,"devmeta":false,"usrmeta":false,"shutdown":false,"debug_shell":false,"poll":false}}',
  ]),
];

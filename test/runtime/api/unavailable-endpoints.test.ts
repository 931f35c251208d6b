import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildInfoEndpoint } from '../../../runtime/api/build-info.ts';
import { configurationEndpoints } from '../../../runtime/api/configuration-endpoints.ts';
import { absentEndpoints } from '../../../runtime/api/unavailable-endpoints.ts';
import { type Served, serve } from './serve.ts';

let served: Served;
beforeEach(async () => {
  const configuration = {
    legacy: () => ({ 'log.level': 3, 'creds.id': null }),
    list: () => [{ key: 'A', value: '(null)' }],
  };
  served = await serve([
    ...absentEndpoints,
    ...configurationEndpoints(configuration),
    buildInfoEndpoint('pantavisor 1.2.3\n'),
  ]);
});
afterEach(() => served.stop());

describe('a device without the feature answers', () => {
  it.each([
    ['GET', '/drivers', 200, '{}'],
    ['PUT', '/drivers/load', 200, ''],
    ['PUT', '/drivers/unload', 200, ''],
    ['PUT', '/drivers/wifi/load', 200, ''],
    ['PUT', '/drivers/wifi/unload', 200, ''],
    ['GET', '/daemons', 200, '[]'],
    ['PUT', '/daemons/hwrngd', 404, '{"Error":"Daemon not found"}'],
    ['GET', '/xconnect-graph', 404, '{"Error":"xconnect not enabled at build time"}'],
    [
      'GET',
      '/wakelocks',
      200,
      '{"mode":"locks","count":0,"degraded":true,"autosleep":false,"settling":false,"polling":false,"run_window":false,' +
        '"held":{"boot":false,"update":false,"update_check":false,"devmeta":false,"usrmeta":false,"shutdown":false,"debug_shell":false,"poll":false}}',
    ],
    ['GET', '/config', 200, '{"log.level":3,"creds.id":null}'],
    ['GET', '/config2', 200, '[{"key":"A","value":"(null)"}]'],
    ['GET', '/buildinfo', 200, 'pantavisor 1.2.3\n'],
    ['PUT', '/buildinfo', 400, '{"Error":"Method not supported for this endpoint"}'],
  ])('%s %s', async (method, url, status, body) => {
    expect(await served.ask(method, url)).toMatchObject({ status, body });
  });

  it('build information as text', async () => {
    expect((await served.ask('GET', '/buildinfo')).head.toLowerCase()).toContain('content-type: text/plain');
  });

  it('a container that asks for a driver it has not got', async () => {
    served.device.caller = { container: 'sdk' };
    expect(await served.ask('PUT', '/drivers/wifi/load')).toMatchObject({
      status: 400,
      body: '{"Error":"Error loading driver"}',
    });
    expect(await served.ask('PUT', '/drivers/load')).toMatchObject({ status: 200 });
  });

  it.each(['/drivers', '/daemons', '/wakelocks', '/config', '/config2', '/buildinfo'])(
    'managers only: %s',
    async (url) => {
      served.device.caller = { container: 'web' };
      expect(await served.ask('GET', url)).toMatchObject({ status: 403 });
    },
  );
});

/** Every endpoint of the control socket, asked by curl and by clients of HTTP/1.0 of a daemon that runs containers. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { DOCUMENTED } from '../../runtime/api/contract/rows.ts';
import { exchange, parsed } from '../../runtime/api/wire.ts';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

interface Curled {
  readonly status: number;
  readonly body: string;
}

/** The path comes last. */
const curl = (device: RealDevice, ...parameters: readonly string[]): Curled => {
  const path = parameters.at(-1) ?? '';
  const socket = join(device.run, 'pv-ctrl');
  const output = execFileSync(
    'curl',
    [
      ...['--silent', '--show-error', '--path-as-is', '--unix-socket', socket, '--write-out', '\n%{http_code}'],
      ...[...parameters.slice(0, -1), `http://localhost${path}`],
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  const at = output.lastIndexOf('\n');
  return { status: Number(output.slice(at + 1)), body: output.slice(0, at) };
};

const errorOf = (message: string): string => JSON.stringify({ Error: message });
const shaOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Endpoint, what curl is told, the status, the body. */
type Call = readonly [endpoint: string, parameters: readonly string[], status: number, body: string | RegExp];

const send = (method: string, body: string, path: string): readonly string[] => ['-X', method, '-d', body, path];

const checkAll = (device: RealDevice, calls: readonly Call[]): void => {
  const answers = calls.map(([endpoint, parameters]) => ({ endpoint, parameters, ...curl(device, ...parameters) }));
  const expected = calls.map(([endpoint, parameters, status, body]) => ({
    ...{ endpoint, parameters, status },
    body: typeof body === 'string' ? body : expect.stringMatching(body),
  }));
  expect(answers).toEqual(expected);
};

const isDone = async (device: RealDevice): Promise<boolean> =>
  curl(device, '/steps/locals/app/progress').body.includes('"status":"DONE"');

describeSystem('the control socket, asked by curl', () => {
  test('answers at every endpoint', async ({ device }) => {
    await device.start();
    const state = realState()
      .container('sdk', { run: { restart_policy: 'system' } })
      .container('web', { run: { restart_policy: 'container' } });
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(device.directory, name), content);
      return join(device.directory, name);
    };
    const blob = randomBytes(300_000).toString('hex');
    const [sha, at] = [shaOf(blob), file('blob', blob)];
    for (const [id, content] of state.objects)
      expect(curl(device, '-T', file('object', content), `/objects/${id}`)).toEqual({ status: 200, body: '' });
    const text = file('state', state.toText());
    const before: readonly Call[] = [
      ['PUT /objects/{}', ['-T', at, `/objects/${sha}`], 200, ''],
      ['PUT /objects/{}', ['-T', at, `/objects/${sha}`], 200, ''],
      ['PUT /objects/{}', ['-H', 'Transfer-Encoding: chunked', '-T', at, `/objects/${sha}`], 200, ''],
      ['PUT /objects/{}', ['-X', 'PUT', `/objects/${sha}`], 200, ''],
      ['PUT /objects/{}', ['-T', at, `/objects/${'0'.repeat(64)}`], 422, errorOf('Object has bad checksum')],
      ['PUT /objects/{}', ['-T', at, '/objects/short'], 400, errorOf('Request has bad object name')],
      ['GET /objects/{}', [`/objects/${sha}`], 200, blob],
      ['GET /objects/{}', [`/objects/${'0'.repeat(64)}`], 400, errorOf('Request has bad object name')],
      ['GET /objects', ['/objects'], 200, new RegExp(`\\{"sha256":"${sha}","size":"600000"\\}`)],
      ['PUT /steps/locals/{}', ['-T', text, '/steps/locals/app'], 200, ''],
      ['PUT /steps/locals/{}', send('PUT', '{"#spec":', '/steps/locals/bad'), 422, /^\{"Error":"(Storage|Parser): /],
      [
        'PUT /steps/locals/{}',
        send('PUT', '{}', `/steps/locals/${'x'.repeat(65)}`),
        400,
        errorOf('Request has bas step name'),
      ],
      ['PUT /steps/locals/{}/commitmsg', send('PUT', 'the "first"', '/steps/locals/app/commitmsg'), 200, ''],
      ['GET /steps/locals/{}/progress', ['/steps/locals/app/progress'], 200, /^\{"status":"NEW",/],
      ['POST /commands', send('POST', '{"op":"LOCAL_RUN","payload":"locals/app"}', '/commands'), 200, ''],
    ];
    checkAll(device, before);
    await until('the revision is committed', () => isDone(device));
    const after: readonly Call[] = [
      ['GET /containers', ['/containers'], 200, /^\[\{"name":"sdk","group":"root","status":"STARTED",/],
      [
        'GET /groups',
        ['/groups'],
        200,
        /^\[\{"name":"data","status_goal":"MOUNTED","restart_policy":"system","status":"/,
      ],
      ['PUT /containers/{}', send('PUT', '{"action":"stop"}', '/containers/web'), 200, ''],
      ['PUT /containers/{}', send('PUT', '{"action":"stop"}', '/containers/sdk'), 403, /restart_policy 'system'/],
      ['PUT /containers/{}', send('PUT', '{"action":"stop"}', '/containers/no'), 404, errorOf('Container not found')],
      ['PUT /containers/{}', ['-X', 'PUT', '/containers/web'], 400, errorOf('No data')],
      [
        'POST /signal',
        send('POST', '{"type":"ready"}', '/signal'),
        500,
        errorOf('Signal not expected from this platform'),
      ],
      [
        'GET /steps',
        ['/steps'],
        200,
        /^\[\{"name":"0", "date":"[0-9-]+T[0-9:]+Z", "commitmsg":"", "progress":\{"status":"DONE"/,
      ],
      ['GET /steps', ['/steps'], 200, /"commitmsg":"the \\u0022first\\u0022"/],
      ['GET /steps/{}', ['/steps/current'], 200, state.toText()],
      ['GET /steps/{}', ['//steps//7/'], 404, errorOf('Resource does not exist')],
      ['GET /steps/locals/{}', ['/steps/locals/app'], 200, state.toText()],
      [
        'GET /steps/{}/progress',
        ['/steps/0/progress'],
        200,
        /^\{"status":"DONE","status-msg":"Factory revision","progress":100/,
      ],
      ['PUT /steps/{}/commitmsg', send('PUT', 'x', '/steps/0/commitmsg'), 200, ''],
      ['PUT /user-meta/{}', send('PUT', '{"a":[1]}', '/user-meta/web.json'), 200, ''],
      ['PUT /user-meta/{}', send('PUT', 'say "hi"', '/user-meta/a%2Fb'), 200, ''],
      [
        'PUT /user-meta/{}',
        ['-H', 'Transfer-Encoding: chunked', '-T', at, '/user-meta/c'],
        400,
        errorOf('Cannot add or update user meta'),
      ],
      ['PUT /user-meta/{}', ['-T', at, '/user-meta/c'], 507, errorOf('Not enough disk space available')],
      ['GET /user-meta', ['/user-meta'], 200, '{"a%2Fb":"say \\"hi\\"","web.json":{"a":[1]}}'],
      ['DELETE /user-meta/{}', ['-X', 'DELETE', '/user-meta/web.json'], 200, ''],
      ['DELETE /user-meta/{}', ['-X', 'DELETE', '/user-meta/web.json'], 404, errorOf('User meta does not exist')],
      ['PUT /device-meta/{}', send('PUT', '1', '/device-meta/sdk.version'), 200, ''],
      ['GET /device-meta', ['/device-meta'], 200, /"pantavisor.mode":"local".*"pantavisor.arch":"\w+\/64\/E/],
      ['DELETE /device-meta/{}', ['-X', 'DELETE', '/device-meta/sdk.version'], 200, ''],
      ['GET /buildinfo', ['/buildinfo'], 200, /^pantavisor-ts /],
      ['GET /drivers', ['/drivers'], 200, '{}'],
      ['PUT /drivers/load', ['-X', 'PUT', '/drivers/load'], 200, ''],
      ['PUT /drivers/unload', ['-X', 'PUT', '/drivers/unload'], 200, ''],
      ['PUT /drivers/{}/load', ['-X', 'PUT', '/drivers/wifi/load'], 200, ''],
      ['PUT /drivers/{}/unload', ['-X', 'PUT', '/drivers/wifi/unload'], 200, ''],
      [
        'POST /commands',
        send('POST', '{"op":"DANCE","payload":""}', '/commands'),
        400,
        errorOf('Command has bad format'),
      ],
      ['POST /commands', send('POST', '{"op":"GO_REMOTE","payload":""}', '/commands'), 409, /remote mode is disabled/],
      ['POST /commands', send('POST', '{"op":"UNCLAIM","payload":""}', '/commands'), 204, ''],
      ['GET /config', ['/config'], 200, /^\{"creds.host":"api.pantahub.com","creds.id":null,"creds.port":443,/],
      [
        'GET /config2',
        ['/config2'],
        200,
        /^\[\{"key":"PH_CREDS_HOST","value":"api.pantahub.com","modified":"default"\}/,
      ],
      ['GET /xconnect-graph', ['/xconnect-graph'], 404, errorOf('xconnect not enabled at build time')],
      ['GET /daemons', ['/daemons'], 200, '[]'],
      ['PUT /daemons/{}', send('PUT', '{"action":"stop"}', '/daemons/hwrngd'), 404, errorOf('Daemon not found')],
      ['POST /storage/gc', ['-X', 'POST', '/storage/gc'], 200, /^\{"reclaimed": \d+\}$/],
      ['GET /wakelocks', ['/wakelocks'], 200, /^\{"mode":"locks",/],
      ['none', ['/nowhere'], 400, errorOf('unknown endpoint: /nowhere')],
      ['none', ['-X', 'PATCH', '/containers'], 501, '{"Error": "Unsupported protocol"}'],
      ['none', ['-H', 'Expect: tea', '-d', 'x', '/commands'], 417, '{"Error": "Unsupported protocol"}'],
      ['none', ['--head', '/containers'], 400, /^HTTP\/1.1 400 Bad Request\r\n/],
    ];
    checkAll(device, after);
    const asked = new Set([...before, ...after].map(([endpoint]) => endpoint));
    expect(Object.keys(DOCUMENTED).filter((endpoint) => !asked.has(endpoint))).toEqual([]);
  });

  test('answers as it describes itself', async ({ device }) => {
    await device.start({ PV_LOG_LEVEL: '4' });
    const web = { run: { restart_policy: 'container', auto_recovery: { policy: 'always', stable_timeout: 1 } } };
    await device.deploy('app', realState().container('web', web).container('sdk'));
    curl(device, ...send('PUT', '{"a":[1]}', '/user-meta/web.json'));
    const { paths, components } = JSON.parse(curl(device, '/openapi.json').body);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components });
    const looked = Object.keys(paths)
      .filter((path) => paths[path].get?.responses[200]?.content['application/json'] !== undefined)
      .map((path) => [path, path.replace('{kind}/{name}', 'container/web').replace('{revision}', 'app')] as const)
      .map(([path, asked]) => [path, path.startsWith('/steps/{') ? asked.replace('/app', '/0') : asked] as const)
      .filter(([, asked]) => !asked.includes('{'));
    expect(looked.length).toBeGreaterThan(20);
    for (const [path, asked] of looked) {
      const isValid = ajv.compile({
        $ref: `api${paths[path].get.responses[200].content['application/json'].schema.$ref}`,
      });
      const { status, body } = curl(device, asked);
      expect([asked, status]).toEqual([asked, 200]);
      isValid(JSON.parse(body));
      expect([asked, isValid.errors]).toEqual([asked, null]);
    }
  });

  test('speaks HTTP/1.0, as pvcurl and pv-xconnect do, and to those who close their half', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web', { run: { restart_policy: 'container' } }));
    const socket = join(device.run, 'pv-ctrl');
    const sha = shaOf('abc');
    expect(curl(device, '--http1.0', '-X', 'PUT', '-d', 'abc', `/objects/${sha}`).status).toBe(200);
    for (const path of ['/containers', '/groups', '/steps', '/config2', '/wakelocks', `/objects/${sha}`]) {
      const answer = curl(device, path);
      expect(curl(device, '--http1.0', path)).toEqual(answer);
      const request = `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`;
      // The end of the connection is the end of the answer.
      for (const halfClose of [false, true])
        expect(parsed(await exchange(socket, request, { halfClose }))).toMatchObject(answer);
    }
    const body = '{"action":"stop"}';
    const stop = `PUT /containers/web HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(parsed(await exchange(socket, stop, { halfClose: true }))).toMatchObject({ status: 200, body: '' });
    await device.becomes('web', 'STOPPED');
  });
});

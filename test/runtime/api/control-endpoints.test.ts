import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_SNAPSHOT } from '../../../resources/snapshot.ts';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import type { Caller } from '../../../runtime/http/peer.ts';
import { container, type FakeDevice, fakeDevice, group, running, snapshotOf } from './fixture.ts';
import { ask } from './wire.ts';

const SNAPSHOT = snapshotOf(
  [
    container('web', {
      order: 1,
      roles: [],
      autoRecovery: {
        policy: 'on-failure',
        maxRetries: 5,
        retryDelaySeconds: 5,
        backoffFactor: 2,
        resetWindowSeconds: 0,
        stableTimeoutSeconds: 30,
        backoffPolicy: { type: 'rest', seconds: 7200 },
      },
    }),
    container('sdk', { restartPolicy: 'system', group: 'group/platform' }),
  ],
  [group('app', { order: 1 }), group('platform', { statusGoal: 'MOUNTED', restartPolicy: 'system' })],
  { observed: { 'container/web': running({ startedAtMs: 1000, retries: 2 }) } },
);

let device: FakeDevice;
let api: Api;
const path = (): string => device.deps.socketPath;

beforeEach(async () => {
  device = fakeDevice(SNAPSHOT);
  api = await startApi(device.deps);
});
afterEach(async () => {
  await api.stop();
  device.remove();
});

describe('lists', () => {
  it('containers in the order of the state, field for field', async () => {
    device.nowMs = 31_000;
    const { status, head, body } = await ask(path(), 'GET', '/containers');
    expect(status).toBe(200);
    expect(head.toLowerCase()).toContain('content-type: application/json\r\n');
    expect(body).toBe(
      '[{"name":"sdk","group":"platform","status":"STARTED","status_goal":"STARTED","restart_policy":"system","roles":["mgmt"]},' +
        '{"name":"web","group":"app","status":"STARTED","status_goal":"STARTED","restart_policy":"container","roles":[],' +
        '"auto_recovery":{"policy":"on-failure","max_retries":5,"current_retries":2,"stable_timeout":30,"is_stable":"true","backoff_policy":"2h"},' +
        '"user_stopped":"false"}]',
    );
  });

  it('a container as not stable before its stable timeout', async () => {
    device.nowMs = 30_999;
    expect((await ask(path(), 'GET', '/containers')).body).toContain('"is_stable":"false"');
  });

  it('a container as stable from that moment on, although nothing else has changed', async () => {
    const stable = async () => JSON.parse((await ask(path(), 'GET', '/containers')).body)[1].auto_recovery.is_stable;
    const told: string[] = [];
    for (device.nowMs of [0, 30_999, 31_000]) told.push(await stable());
    expect(told).toEqual(['false', 'false', 'true']);
  });

  it('groups in starting order', async () => {
    expect((await ask(path(), 'GET', '/groups')).body).toBe(
      '[{"name":"platform","status_goal":"MOUNTED","restart_policy":"system","status":"READY"},' +
        '{"name":"app","status_goal":"STARTED","restart_policy":"container","status":"READY"}]',
    );
  });

  it.each(['/containers', '/groups'])('%s not before a state is loaded', async (url) => {
    device.show(EMPTY_SNAPSHOT);
    expect(await ask(path(), 'GET', url)).toMatchObject({ status: 500, body: '{"Error":"State not loaded yet"}' });
  });

  it('progress of a local revision, of the current one, and none of a missing one', async () => {
    const done = { status: 200, body: '{"status":"DONE"}' };
    expect(await ask(path(), 'GET', '/steps/locals/a/progress')).toMatchObject(done);
    expect(await ask(path(), 'GET', '//steps///current/progress')).toMatchObject(done);
    expect(await ask(path(), 'GET', '/steps/7/progress')).toMatchObject({
      status: 404,
      body: '{"Error":"Resource does not exist"}',
    });
  });
});

describe('PUT /containers/{name}', () => {
  const put = (name: string, body: string) => ask(path(), 'PUT', `/containers/${name}`, body);

  it.each<[string, string, string, number, string]>([
    ['an unknown container', 'nobody', '{"action":"stop"}', 404, 'Container not found'],
    ['a name that every object has', '__proto__', '{"action":"stop"}', 404, 'Container not found'],
    [
      'a system container',
      'sdk',
      '{"action":"stop"}',
      403,
      "Container has restart_policy 'system' and cannot be controlled via API",
    ],
    [
      'a system container before its body',
      'sdk',
      'rubbish',
      403,
      "Container has restart_policy 'system' and cannot be controlled via API",
    ],
    ['a body beyond 1024 bytes', 'web', ' '.repeat(1025), 507, 'Not enough disk space available'],
    ['an empty body', 'web', '', 400, 'No data'],
    ['a body that is no JSON', 'web', '{', 400, 'Invalid JSON'],
    ['a body that is no object', 'web', '[]', 400, 'Invalid JSON'],
    ['a body without action', 'web', '{}', 400, "Missing 'action' field"],
    ['an unknown action', 'web', '{"action":"hop"}', 400, "Invalid action. Use 'start', 'stop', or 'restart'"],
  ])('refuses %s', async (_name, name, body, status, message) => {
    expect(await put(name, body)).toMatchObject({ status, body: JSON.stringify({ Error: message }) });
    expect(device.log).toEqual([]);
  });

  it.each(['start', 'stop', 'restart'])('hands on %s', async (action) => {
    expect(await put('web', JSON.stringify({ action }))).toMatchObject({ status: 200, body: '' });
    expect(device.log).toEqual([`${action} web`]);
  });

  it('tells why an action makes no sense now', async () => {
    device.answer = { status: 400, message: 'Container state does not allow restart' };
    const answer = { status: 400, body: '{"Error":"Container state does not allow restart"}' };
    expect(await put('web', '{"action":"restart"}')).toMatchObject(answer);
  });

  it('accepts with a length of zero and the JSON type', async () => {
    const { head } = await put('web', '{"action":"stop"}');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head.toLowerCase()).toContain('content-length: 0');
    expect(head.toLowerCase()).toContain('content-type: application/json');
  });
});

describe('POST /signal', () => {
  const signal = (body: string) => ask(path(), 'POST', '/signal', body);

  it.each<[string, Caller | undefined, string, number, string]>([
    ['ready of a container that is expected to', { container: 'web' }, '{"type":"ready","payload":""}', 200, ''],
    ['ready of a container in a numbered cgroup', { container: 'web-1' }, '{"type":"ready"}', 200, ''],
    [
      'ready of another container',
      { container: 'sdk' },
      '{"type":"ready"}',
      500,
      '{"Error":"Signal not expected from this platform"}',
    ],
    ['alive', { container: 'web' }, '{"type":"alive"}', 500, '{"Error":"Signal not expected from this platform"}'],
    ['ready of the host', 'host', '{"type":"ready"}', 500, '{"Error":"Signal not expected from this platform"}'],
    ['ready of somebody who cannot be told', undefined, '{"type":"ready"}', 500, '{"Error":"Internal Error"}'],
    [
      'ready of a container that is not of this state',
      { container: 'gone' },
      '{"type":"ready"}',
      500,
      '{"Error":"Internal Error"}',
    ],
    ['nothing', { container: 'web' }, '', 400, '{"Error":"Signal has bad format"}'],
    ['no type', { container: 'web' }, '{"payload":"ready"}', 400, '{"Error":"Signal has bad format"}'],
    [
      'too much',
      { container: 'web' },
      `{"type":"ready","payload":"${'x'.repeat(4096)}"}`,
      400,
      '{"Error":"Signal has bad format"}',
    ],
  ])('answers %s', async (_name, caller, body, status, answer) => {
    device.caller = caller;
    expect(await signal(body)).toMatchObject({ status, body: answer });
  });
});

describe('callers', () => {
  it.each([
    ['/containers', '{"Error":"Request not sent from a mgmt platform"}'],
    ['/status', '{"Error":"Request not sent from a mgmt platform"}'],
    ['/steps/0/progress', '{"Error":"Request not sent from mgmt platform"}'],
  ])('without the mgmt role are refused %s', async (url, body) => {
    device.caller = { container: 'web' };
    expect(await ask(path(), 'GET', url)).toMatchObject({ status: 403, body });
  });

  it('with the mgmt role are answered', async () => {
    device.caller = { container: 'sdk' };
    expect((await ask(path(), 'GET', '/containers')).status).toBe(200);
  });

  it('that cannot be told are refused names in the other words', async () => {
    device.caller = undefined;
    const answer = { status: 500, body: '{"Error":"Internal error, unknown caller"}' };
    expect(await ask(path(), 'PUT', '/containers/web', '{"action":"stop"}')).toMatchObject(answer);
  });
});

describe('paths and methods', () => {
  it.each([
    ['GET', '/nothing', '{"Error":"unknown endpoint: /nothing"}'],
    ['GET', '/containers/', '{"Error":"unknown endpoint: /containers/"}'],
    ['GET', '/steps/../containers', '{"Error":"unknown endpoint: /steps/../containers"}'],
    ['GET', `/steps/${'a'.repeat(256)}/progress`, `{"Error":"unknown endpoint: /steps/${'a'.repeat(256)}/progress"}`],
    ['DELETE', '/containers', '{"Error":"Method not supported for this endpoint"}'],
    ['GET', '/containers/web', '{"Error":"Method not supported for this endpoint"}'],
    ['GET', '/signal', '{"Error":"Method not supported for this endpoint"}'],
  ])('%s %s is a 400', async (method, url, body) => {
    expect(await ask(path(), method, url)).toMatchObject({ status: 400, body });
  });

  it('ignore a query', async () => {
    expect((await ask(path(), 'GET', '/containers?x=1')).status).toBe(200);
  });

  it('do not answer HEAD as GET', async () => {
    expect(await ask(path(), 'HEAD', '/containers')).toMatchObject({ status: 400, body: '' });
  });

  it('survive an error of ours, which is reported', async () => {
    await api.stop();
    api = await startApi({ ...device.deps, steps: () => Promise.reject(new Error('no such disk')) });
    expect(await ask(path(), 'GET', '/steps')).toMatchObject({ status: 500, body: '{"Error":"Internal error"}' });
    expect(device.log).toEqual(['reported GET /steps: no such disk']);
  });
});

import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from './fixture.ts';
import { ask, exchange, parsed } from './wire.ts';

let device: FakeDevice;
let api: Api | undefined;
const path = (): string => device.deps.socketPath;
const start = async (): Promise<Api> => {
  api = await startApi(device.deps);
  return api;
};

beforeEach(() => {
  device = fakeDevice(snapshotOf([container('web')]));
});
afterEach(async () => {
  await api?.stop();
  api = undefined;
  device.remove();
});

describe('a request', () => {
  beforeEach(start);

  it.each([
    ['without a Host', 'GET /groups HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['with an empty Host', 'GET /groups HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'],
    ['with localhost and a port', 'GET /groups HTTP/1.1\r\nHost: localhost:80\r\nConnection: close\r\n\r\n'],
    ['of HTTP/1.0 as pv-xconnect sends it', 'GET /groups HTTP/1.0\r\nHost: localhost\r\n\r\n'],
  ])('%s is answered', async (_name, text) => {
    expect(parsed(await exchange(path(), text))).toMatchObject({ status: 200, body: '[]' });
  });

  it.each(['example.org', '127.0.0.1', 'localhost.example.org'])(
    'with the Host %s is not answered at all',
    async (host) => {
      expect(await exchange(path(), `GET /groups HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBe('');
    },
  );

  it('whose sender closed its half, as nc -N does, is answered, even if that takes a while', async () => {
    await api?.stop();
    const control = async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); // the end has arrived long before
      return { status: 200 };
    };
    api = await startApi({ ...device.deps, control });
    const body = '{"action":"stop"}';
    const text = `PUT /containers/web HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(parsed(await exchange(path(), text, { halfClose: true })).status).toBe(200);
  });

  it('that waits to be told to go on is told so', async () => {
    const head = 'PUT /containers/web HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n';
    const answer = await exchange(path(), `${head}Content-Length: 17\r\n\r\n{"action":"stop"}`);
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(device.log).toEqual(['stop web']);
  });

  it('that is refused in the middle of its body keeps neither the next one waiting nor the connection open', async () => {
    const refused = `PUT /containers/web HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`;
    const answer = await exchange(
      path(),
      `${refused}GET /groups HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 507', 'HTTP/1.1 200']);
  });

  it('with a chunked body is read whole', async () => {
    const head =
      'PUT /containers/web HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const answer = await exchange(path(), `${head}a\r\n{"action":\r\n7\r\n"stop"}\r\n0\r\n\r\n`);
    expect(parsed(answer).status).toBe(200);
    expect(device.log).toEqual(['stop web']);
  });

  it('with a chunked body beyond the limit is refused', async () => {
    const head =
      'PUT /containers/web HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const answer = await exchange(path(), `${head}1000\r\n${' '.repeat(4096)}\r\n0\r\n\r\n`);
    expect(parsed(answer)).toMatchObject({ status: 507, body: '{"Error":"Not enough disk space available"}' });
  });

  it.each([
    ['that is no HTTP', 'hello\r\n\r\n', 400],
    ['with a header beyond all limits', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 400],
    ['with an unsupported method', 'PATCH /groups HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
    ['with CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
    [
      'that expects too much',
      'PUT /user-meta/a HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx',
      417,
    ],
    ['with OPTIONS', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 501],
  ])('%s is told so, and the next one is served', async (_name, text, status) => {
    expect(parsed(await exchange(path(), text))).toMatchObject({ status, body: '{"Error": "Unsupported protocol"}' });
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
  });

  it.each(['GET http://[ HTTP/1.1', 'GET \\x HTTP/1.1', 'GET /a\\b HTTP/1.1'])('line %s harms nobody', async (line) => {
    expect(parsed(await exchange(path(), `${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).status).toBe(400);
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
  });
});

describe('connections', () => {
  it('of one container are limited, so that the operator still gets one', async () => {
    await start();
    device.caller = { container: 'web' };
    const sockets = Array.from({ length: 20 }, () => connect(path()));
    let closed = 0;
    for (const socket of sockets) socket.on('close', () => closed++).on('error', () => {}); // a reset is a way to close
    await vi.waitFor(() => expect(closed).toBe(4));
    expect(await exchange(path(), 'GET /signal HTTP/1.1\r\n\r\n')).toBe('');
    device.caller = 'host';
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(() => expect(closed).toBe(20));
    device.caller = { container: 'web' };
    await vi.waitFor(async () => expect((await ask(path(), 'GET', '/groups')).status).toBe(200));
  });

  it('of all containers together are limited, and so are those of one process of the host', async () => {
    await start();
    const open = (count: number) => Array.from({ length: count }, () => connect(path()).on('error', () => {})); // a reset is a way to close
    const sockets: Socket[] = [];
    for (let name = 0; name < 10; name++) {
      device.caller = { container: `c${name}` };
      sockets.push(...open(16));
      await vi.waitFor(() => expect(device.asked()).toBe(sockets.length));
    }
    await vi.waitFor(() => expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(160 - 128));
    device.caller = 'host';
    const wild = open(80);
    await vi.waitFor(() => expect(wild.filter(({ destroyed }) => destroyed)).toHaveLength(80 - 64));
    device.pid = 2;
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
    for (const socket of [...sockets, ...wild]) socket.destroy();
  });

  it('with requests by the hundred and no answer read are let go', async () => {
    await start();
    const answers = await exchange(path(), 'GET /groups HTTP/1.1\r\n\r\n'.repeat(100));
    expect(answers.match(/200 OK/g)?.length ?? 0).toBeLessThanOrEqual(8);
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
  });

  it('have one request after the other carried out, however many they send at once', async () => {
    let [now, most] = [0, 0];
    const control = async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      return { status: 200 };
    };
    api = await startApi({ ...device.deps, control });
    const body = '{"action":"stop"}';
    const put = `PUT /containers/web HTTP/1.1\r\nContent-Length: ${body.length}\r\n`;
    const answer = await exchange(path(), `${`${put}\r\n${body}`.repeat(4)}${put}Connection: close\r\n\r\n${body}`);
    expect([answer.match(/200 OK/g)?.length, most]).toEqual([5, 1]);
  });

  it('with a few requests at once are answered in order', async () => {
    await start();
    const paths = ['/groups', '/nowhere', '/containers', '/daemons'];
    const text = paths.map((url) => `GET ${url} HTTP/1.1\r\n\r\n`).join('');
    const answer = await exchange(path(), `${text}GET /drivers HTTP/1.1\r\nConnection: close\r\n\r\n`);
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual([200, 400, 200, 200, 200].map((status) => `HTTP/1.1 ${status}`));
  });

  it('keep the caller that opened them', async () => {
    await start();
    const body = exchange(path(), 'GET /groups HTTP/1.1\r\n\r\nGET /groups HTTP/1.1\r\nConnection: close\r\n\r\n');
    await vi.waitFor(() => expect(device.asked()).toBe(1));
    device.caller = undefined;
    expect((await body).match(/200 OK/g)).toHaveLength(2);
  });
});

describe('the socket file', () => {
  it('lets only root and its group connect, whatever the umask', async () => {
    const umask = process.umask(0);
    await start();
    expect(process.umask(umask)).toBe(0);
    expect(statSync(path()).mode & 0o7777).toBe(0o660);
  });

  it('goes when the servers stop', async () => {
    await (await start()).stop();
    api = undefined;
    expect(() => statSync(path())).toThrow('ENOENT');
  });

  it('of a killed daemon is replaced', async () => {
    // A server that is told to leave its socket behind stands for a daemon that was killed.
    const killed = createServer().listen(path());
    await new Promise((resolve) => killed.once('listening', resolve));
    const { linkSync, renameSync } = await import('node:fs');
    linkSync(path(), `${path()}.kept`);
    await new Promise((resolve) => killed.close(resolve));
    renameSync(`${path()}.kept`, path());
    await start();
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
  });

  it('of a living daemon is left alone', async () => {
    await start();
    await expect(startApi(device.deps)).rejects.toThrow('is in use by another pantavisor');
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
  });

  it('that is a link is replaced, and what it leads to is left alone', async () => {
    writeFileSync(`${path()}.target`, 'mine');
    symlinkSync(`${path()}.target`, path());
    await start();
    expect((await ask(path(), 'GET', '/groups')).status).toBe(200);
    expect(statSync(`${path()}.target`).size).toBe(4);
  });

  it('that is no socket is left alone', async () => {
    writeFileSync(path(), 'mine');
    await expect(startApi(device.deps)).rejects.toThrow('is a file, expected a socket or nothing');
    expect(statSync(path()).size).toBe(4);
  });
});

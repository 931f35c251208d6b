import { connect } from 'node:net';
import { Script } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import type { ApiDeps } from '../../../runtime/api/ports.ts';
import { STATUS_SCRIPT } from '../../../runtime/api/status-script.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from './fixture.ts';

const SNAPSHOT = snapshotOf([container('web')]);
let device: FakeDevice;
let api: Api | undefined;
const start = async (changes: Partial<ApiDeps> = {}): Promise<string> => {
  device = fakeDevice(SNAPSHOT, { statusListen: { host: '127.0.0.1', port: 0 }, ...changes });
  api = await startApi(device.deps);
  return api.statusUrl ?? '';
};
afterEach(async () => {
  await api?.stop();
  api = undefined;
  device?.remove();
});

describe('the status listener', () => {
  it('shows a page in which nothing foreign may run', async () => {
    const answer = await fetch(await start());
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^']+'; /);
    expect(await answer.text()).not.toMatch(/https?:\/\//);
  });

  it('has a script that parses', () => {
    expect(() => new Script(STATUS_SCRIPT)).not.toThrow();
  });

  it('answers everybody, but lets nobody change anything', async () => {
    const url = await start();
    device.caller = undefined;
    expect((await fetch(`${url}containers`)).status).toBe(200);
    const put = await fetch(`${url}containers/web`, { method: 'PUT', body: '{"action":"stop"}' });
    expect(put.status).toBe(400);
    expect((await fetch(`${url}signal`, { method: 'POST', body: '{"type":"ready"}' })).status).toBe(400);
    expect(device.log).toEqual([]);
  });

  it('lets go of watchers when it stops', async () => {
    const answer = await fetch(`${await start()}status/watch`);
    const reader = answer.body?.getReader();
    await reader?.read();
    await api?.stop();
    await expect(reader?.read()).rejects.toThrow('terminated');
    await vi.waitFor(() => expect(device.followers()).toBe(0));
  });

  it('lets go of a watcher who leaves', async () => {
    const answer = await fetch(`${await start()}status/watch`);
    const reader = answer.body?.getReader();
    await reader?.read();
    expect(device.followers()).toBe(2);
    await reader?.cancel();
    await vi.waitFor(() => expect(device.followers()).toBe(1));
  });

  it('does not answer names that lead here from elsewhere', async () => {
    const { port } = new URL(await start());
    const closed = new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n'),
      );
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', () => {}); // a reset is a way to close
    });
    expect(await closed).toBe('');
  });

  it('that cannot be opened is reported, and the control socket serves', async () => {
    const url = await start({ statusListen: { host: '203.0.113.1', port: 1 } });
    expect(url).toBe('');
    expect(device.log[0]).toMatch(/^reported PV_STATUS_LISTEN: listening on 203\.0\.113\.1:1: .*EADDRNOTAVAIL/);
  });
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import type { ApiDeps } from '../../../runtime/api/ports.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from './fixture.ts';
import { ask } from './wire.ts';

let device: FakeDevice;
let api: Api;
const start = async (changes: Partial<ApiDeps> = {}): Promise<void> => {
  await api?.stop();
  device?.remove();
  device = fakeDevice(snapshotOf([container('web')]), { statusListen: { host: '127.0.0.1', port: 0 }, ...changes });
  api = await startApi(device.deps);
};
beforeEach(() => start());
afterEach(async () => {
  await api.stop();
  device.remove();
});

it('tells what comes next', async () => {
  const { status, body } = await ask(device.deps.socketPath, 'GET', '/plan');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ against: 'running', to: 'locals/a' });
  expect(device.log).toEqual(['plan now']);
});

it('tells what a state would do, and gives it on as it came', async () => {
  expect((await ask(device.deps.socketPath, 'POST', '/plan', '{"#spec": "x"}')).status).toBe(200);
  expect(device.log).toEqual(['plan {"#spec": "x"}']);
});

it('refuses what is no state with every problem', async () => {
  await start({ plan: () => Promise.reject(new Rejection('one\ntwo')) });
  expect(await ask(device.deps.socketPath, 'POST', '/plan', '{}')).toMatchObject({
    status: 422,
    body: '{"Error":"one\\ntwo"}',
  });
});

it('says that nothing was read yet', async () => {
  await start({ plan: async () => undefined });
  expect(await ask(device.deps.socketPath, 'GET', '/plan')).toMatchObject({
    status: 500,
    body: '{"Error":"State not loaded yet"}',
  });
});

it('refuses a document that is larger than any state', async () => {
  const { status } = await ask(device.deps.socketPath, 'POST', '/plan', ' '.repeat(9 << 20));
  expect(status).toBe(413);
  expect(device.log).toEqual([]);
});

it('lets browsers look at what comes next, and rehearse nothing', async () => {
  const url = `${api.statusUrl}plan`;
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(400);
  expect(device.log).toEqual(['plan now']);
});

/** A device and its Hub: the real daemon, real containers, real TLS with an authority of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { HubReply, TestHub } from '../../hub/hub.ts';
import { type ServedHub, serveHub } from '../../hub/server.ts';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { type RealState, realState } from '../daemon/real-state.ts';
import { until } from '../daemon/until.ts';
import { describeSystem } from '../require-root.ts';

let served: ServedHub;
let hub: TestHub;

beforeEach(async () => {
  served = await serveHub();
  hub = served.hub;
});
afterEach(() => served.close());

const settings = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  PV_CONTROL_REMOTE: '1',
  PH_CREDS_HOST: served.host,
  PH_CREDS_PORT: String(served.port),
  PV_LIBTHTTP_CERTSDIR: served.authorities,
  PH_UPDATER_INTERVAL: '1',
  PH_METADATA_DEVMETA_INTERVAL: '1',
  PH_METADATA_USRMETA_INTERVAL: '1',
  PV_UPDATER_COMMIT_DELAY: '1',
  ...more,
});
const fileOf = (device: RealDevice, name: string): string => {
  const path = join(device.run, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const theDevice = () => {
  const [device] = hub.devices.values();
  if (device === undefined) throw new Error('no device has registered');
  return device;
};
/** A device that is claimed and has its trail. */
const claimed = async (device: RealDevice, more?: Readonly<Record<string, string>>): Promise<string> => {
  await device.start(settings({ PH_FACTORY_AUTOTOK: 'auto-token', ...more }));
  await until('it has a trail', () => [...hub.devices.values()].some(({ steps }) => steps !== undefined));
  return theDevice().id;
};
const post = (id: string, state: RealState): number => {
  for (const content of state.objects.values()) hub.putObject(Buffer.from(content));
  return hub.post(id, JSON.parse(state.toText()));
};
const statuses = (id: string, rev: number): string[] => [
  ...new Set(hub.step(id, rev).history.map(({ status }) => String(status))),
];
const finalOf = async (id: string, rev: number): Promise<string> => {
  const isFinal = (): boolean => ['DONE', 'WONTGO', 'ERROR'].includes(String(hub.step(id, rev).progress['status']));
  await until(`step ${rev} is over`, isFinal, {
    limitMs: 60_000,
    detail: () => ({ progress: hub.step(id, rev).progress, requests: hub.requests.slice(-12) }),
  });
  const { progress } = hub.step(id, rev);
  return `${progress['status']} ${progress['status-msg']}`;
};

describeSystem('a device and its Hub', () => {
  test('it shows its challenge, is claimed, brings its factory state, and tells its metadata', async ({ device }) => {
    await device.start(settings());
    await until('it shows its challenge', () => fileOf(device, 'challenge') === 'duly-happy-cat\n');
    const { id, prn, secret } = theDevice();
    await until('it shows its id', () => fileOf(device, 'device-id') === `${id}\n`);
    expect(fileOf(device, 'pantahub-host')).toBe(`https://${served.host}:${served.port}\n`);
    const unclaimed = readFileSync(join(device.storage, 'config/unclaimed.config'), 'utf8');
    expect(unclaimed).toContain(`creds.id=${id}\ncreds.prn=${prn}\ncreds.secret=${secret}\n`);
    expect(statSync(join(device.storage, 'config/unclaimed.config')).mode & 0o777).toBe(0o600);
    expect(hub.requests.some((request) => request.includes('/trails/'))).toBe(false);

    hub.claim(id);
    await until('it has a trail', () => theDevice().steps?.length === 1);
    await until('its challenge is gone', () => fileOf(device, 'challenge') === '');
    await until('it keeps that', () => fileOf(device, 'phconfig/pantahub.config').includes(`creds.prn=${prn}\n`));
    await until('it tells its metadata', () => theDevice().deviceMeta['pantahub.claimed'] === '1');
    expect(theDevice().deviceMeta).toMatchObject({ 'pantavisor.mode': 'remote', 'pantahub.online': '1' });
    theDevice().userMeta['greeting'] = 'hello';
    await until('it takes metadata', async () => (await device.request('GET', '/user-meta')).body.includes('hello'));
    expect((await device.status()).sources).toMatchObject([
      { name: 'hub', mode: 'remote', claimed: true, online: true },
    ]);

    await device.kill();
    await device.start();
    await until('it polls again', () => hub.requests.at(-1)?.includes('/user-meta') === true);
    expect(hub.devices.size).toBe(1);
  });

  test('it runs three steps in a row, and rejects what is none', async ({ device }) => {
    const id = await claimed(device);
    const one = post(id, realState().container('web'));
    const bad = hub.post(id, { '#spec': 'pantavisor-service-system@1', 'web/run.json': { name: 7 } });
    const two = post(id, realState().container('web').container('db'));
    expect(await finalOf(id, one)).toBe('DONE Update finished, revision set as rollback point');
    // Of statuses that follow each other quickly only the newest is told.
    const ORDER = ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'DONE'];
    expect(statuses(id, one)).toEqual(ORDER.filter((status) => statuses(id, one).includes(status)));
    expect(await finalOf(id, bad)).toBe('WONTGO State JSON has bad format');
    expect(await finalOf(id, two)).toBe('DONE Update finished, revision set as rollback point');
    expect(await device.stateOf('db')).toBe('STARTED');
    // Every final status was told once.
    for (const rev of [one, bad, two])
      expect(hub.step(id, rev).history.filter(({ progress }) => progress === 100)).toHaveLength(1);
  });

  test('a step that fails is rolled back, and the Hub hears of it', async ({ device }) => {
    const id = await claimed(device, { PV_UPDATER_GOALS_TIMEOUT: '5' });
    expect(await finalOf(id, post(id, realState().container('web')))).toMatch(/^DONE/);
    const rev = post(
      id,
      realState()
        .container('web')
        .container('broken', { behaviour: 'exit 3', run: { status_goal: 'READY' } }),
    );
    expect(await finalOf(id, rev)).toMatch(/^ERROR /);
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('a download that was cut, and a daemon that was killed in it, go on where they were', async ({ device }) => {
    const content = randomBytes(6 * 1024 * 1024);
    const state = realState().container('web', { files: { 'blob.bin': content } });
    const ranges: string[] = [];
    let cuts = 2;
    hub.faults.push(({ method, path, headers }): HubReply | undefined => {
      if (method !== 'GET' || !path.startsWith('/local-s3/')) return undefined;
      const object = hub.objects.get(path.slice('/local-s3/get.'.length).slice(0, 64));
      if (object?.equals(content) !== true) return undefined;
      ranges.push(String(headers['range'] ?? 'all'));
      if (cuts === 0) return undefined;
      cuts -= 1;
      const from = Number(/=(\d+)-/.exec(String(headers['range'] ?? ''))?.[1] ?? 0);
      const range = { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` };
      return {
        status: from === 0 ? 200 : 206,
        headers: from === 0 ? {} : range,
        body: content.subarray(from),
        cutAfter: 2_500_000,
      };
    });
    const id = await claimed(device);
    const rev = post(id, state);
    const part = join(device.storage, 'uploads', createHash('sha256').update(content).digest('hex'));
    await until('a part of it is on the disk', () => existsSync(part) && statSync(part).size > 0);
    await device.kill();
    await device.start();
    expect(await finalOf(id, rev)).toMatch(/^DONE/);
    expect(ranges[0]).toBe('all');
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range))).toBe(true);
  });

  test('objects that the Hub has not got end the step after every retry', async ({ device }) => {
    const id = await claimed(device, { PV_REVISION_RETRIES: '2' });
    const rev = hub.post(id, JSON.parse(realState().container('web').toText()));
    expect(await finalOf(id, rev)).toBe('WONTGO Max download update retries reached');
  });

  test('a Hub whose certificate nobody vouches for is not talked to', async ({ device }) => {
    await device.start(settings({ PV_LIBTHTTP_CERTSDIR: '/nonexistent' }));
    await until(
      'it says so',
      async () => (await device.status()).sources[0]?.lastError?.includes('certificate') === true,
    );
    expect(hub.requests).toEqual([]);
  });

  test('a local revision ends the talk, and go-remote takes it up again', async ({ device }) => {
    const id = await claimed(device);
    await device.deploy('app', realState().container('web'));
    await until('it is local', async () => (await device.status()).sources[0]?.mode === 'local');
    const rev = post(id, realState().container('web').container('db'));
    expect((await device.request('POST', '/commands', { op: 'GO_REMOTE', payload: '' })).status).toBe(200);
    await until('it talks again', async () => (await device.status()).sources[0]?.mode === 'remote');
    expect(await finalOf(id, rev)).toMatch(/^DONE/);
  });
});

/** From outside to running containers: by pvr, and by /v1, over cut connections and daemons that die. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort } from '../../../hack/demonstration/ports.ts';
import { pvrClient } from '../../pvr-client.ts';
import { type Answer, type Ask, ask } from '../../runtime/push/client.ts';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { realState } from '../daemon/real-state.ts';
import { until } from '../daemon/until.ts';
import { describeSystem } from '../require-root.ts';
import { type Example, gatewayExample } from './example.ts';

const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';
const TOKEN = `ci.${SECRET}`;

let directory = '';
let gateway: Example;

interface Outside {
  readonly url: string;
  readonly port: number;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
}

/** Starts a device that can be pushed to with a token. */
const listening = async (device: RealDevice, more: Readonly<Record<string, string>> = {}): Promise<Outside> => {
  const port = await freePort(0);
  const tokens = join(device.directory, 'tokens');
  mkdirSync(tokens, { mode: 0o700 });
  writeFileSync(join(tokens, 'ci'), `scopes=read,push,control\ntoken=${TOKEN}\n`, { mode: 0o600 });
  await device.start({ PV_PVR_LISTEN: `127.0.0.1:${port}`, PV_PVR_TOKENS: tokens, ...more });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    ask: (method, path, options) => ask(new URL(path, url), method, { token: TOKEN, ...options }),
  };
};

const statesOf = async (device: RealDevice): Promise<readonly string[]> =>
  (await device.status()).resources
    .filter(({ kind }) => kind === 'container')
    .map(({ name, state }) => `${name} ${state}`)
    .sort();
const GATEWAY = ['broker STARTED', 'config-data MOUNTED', 'flaky STARTED', 'sensor READY', 'web STARTED'];

/** Sends so much of an object, and tears the connection. */
const beginUpload = (outside: Outside, id: string, content: Buffer, bytes: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port: outside.port, host: '127.0.0.1' });
    const head = `PUT /v1/objects/${id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${content.length}\r\n\r\n`;
    socket.on('error', () => undefined); // it is torn
    socket.write(head);
    socket.write(content.subarray(0, bytes), () => {
      resolve();
      setTimeout(() => socket.destroy(), 200);
    });
  });

const offsetOf = async (outside: Outside, id: string): Promise<number> =>
  Number((await outside.ask('HEAD', `/v1/objects/${id}`)).headers['upload-offset'] ?? 0);

const resume = async (outside: Outside, id: string, content: Buffer): Promise<number> => {
  const offset = await offsetOf(outside, id);
  const headers = { 'Content-Range': `bytes ${offset}-${content.length - 1}/${content.length}` };
  const { status } = await outside.ask('PUT', `/v1/objects/${id}`, { body: content.subarray(offset), headers });
  expect(status).toBe(201);
  return offset;
};

describeSystem('pushing', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pvtest-push-'));
    gateway = await gatewayExample(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('the gateway from nothing with pvr, and back', async ({ device }) => {
    const outside = await listening(device, { PV_UPDATER_GOALS_TIMEOUT: '60' });
    const [url, pvr] = [`${outside.url}/cgi-bin/pvr`, pvrClient({ token: TOKEN })];
    expect(await pvr.clone(url)).toEqual({ state: { '#spec': 'pantavisor-service-system@1' }, objects: new Map() });
    const { posted, uploaded } = await pvr.post(url, { ...gateway, message: 'the gateway', rev: 'locals/gateway' });
    expect(uploaded).toBe(gateway.objects.size);
    expect(posted).toMatchObject({ rev: -1, revlocal: 'locals/gateway' });
    const progress = async () =>
      (await outside.ask('GET', '/cgi-bin/pvr/steps/locals/gateway/progress')).json['status'];
    await until('the gateway is DONE', async () => (await progress()) === 'DONE', {
      limitMs: 60_000,
      detail: progress,
    });
    expect(await statesOf(device)).toEqual(GATEWAY);
    expect(await (await fetch(`http://127.0.0.1:${gateway.web}/config/gateway.json`)).text()).toContain('hall 3');
    const cloned = await pvr.clone(url);
    expect(cloned.state).toEqual(gateway.state);
    expect(cloned.objects.size).toBe(gateway.objects.size);
    expect(await pvr.stepinfo(url)).toMatchObject({ 'commit-msg': 'the gateway', progress: { status: 'DONE' } });
  });

  test('the gateway from nothing with /v1, over a cut connection and a daemon that dies', async ({ device }) => {
    const outside = await listening(device, { PV_UPDATER_GOALS_TIMEOUT: '60' });
    const body = JSON.stringify(gateway.state);
    const { json } = await outside.ask('PUT', '/v1/revisions/gateway', { body });
    const missing = json['missing'] as readonly string[];
    expect([...missing].sort()).toEqual([...gateway.objects.keys()].sort());

    const bySize = [...gateway.objects].sort(([, a], [, b]) => b.length - a.length);
    const [[first, firstContent] = ['', Buffer.of()], [second, secondContent] = ['', Buffer.of()], ...others] = bySize;
    const half = Math.floor(firstContent.length / 2);
    await beginUpload(outside, first, firstContent, half);
    await until('all that was sent is there', async () => (await offsetOf(outside, first)) === half, {
      detail: () => offsetOf(outside, first),
    });
    // Whole pieces are on the disk whatever happens to the daemon; the last one may not be.
    void beginUpload(outside, second, secondContent, 3_000_000);
    await until('a part is there', async () => (await offsetOf(outside, second)) >= 2_000_000);
    await device.kill();
    await device.start();
    // What is held for its client is no garbage, after a restart either.
    expect((await device.request('POST', '/storage/gc')).status).toBe(200);
    expect(await resume(outside, first, firstContent)).toBe(half);
    expect(await resume(outside, second, secondContent)).toBeGreaterThanOrEqual(2_000_000);
    for (const [id, content] of others)
      expect((await outside.ask('PUT', `/v1/objects/${id}`, { body: content })).status).toBe(201);

    const done = await outside.ask('PUT', '/v1/revisions/gateway?run=true&wait=90', { body });
    expect(done).toMatchObject({ status: 200, json: { missing: [], progress: { status: 'DONE' } } });
    expect(await statesOf(device)).toEqual(GATEWAY);
  });

  test('several edits of what runs, of which none is lost', async ({ device }) => {
    const outside = await listening(device);
    const state = realState().container('web').with('counter.json', { n: 0 });
    for (const [id, content] of state.objects)
      expect((await outside.ask('PUT', `/v1/objects/${id}`, { body: content })).status).toBe(201);
    const put = await outside.ask('PUT', '/v1/revisions/app?run=true&wait=60', { body: state.toText() });
    expect(put.status).toBe(200);
    const pid = await device.becomes('web', 'STARTED');

    const current = async (): Promise<{ readonly n: number; readonly etag: string }> => {
      const { json, headers } = await outside.ask('GET', '/v1/revisions/current');
      return { n: (json['counter.json'] as { n: number }).n, etag: headers.etag ?? '' };
    };
    /** As a careful editor does: looks, changes, and begins again when somebody was quicker. */
    const increment = async (guard: 'etag' | 'test'): Promise<void> => {
      for (;;) {
        const { n, etag } = await current();
        const test = [{ op: 'test', path: '/counter.json/n', value: n }];
        const patch = [...(guard === 'test' ? test : []), { op: 'replace', path: '/counter.json/n', value: n + 1 }];
        const headers = {
          'Content-Type': 'application/json-patch+json',
          ...(guard === 'etag' ? { 'If-Match': etag } : {}),
        };
        const path = '/v1/revisions/current?run=true&wait=60';
        const { status, body } = await outside.ask('PATCH', path, { body: JSON.stringify(patch), headers });
        if (status === 200) return;
        expect([status, body]).toEqual([expect.toSatisfy((code: number) => [409, 412, 503].includes(code)), body]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await Promise.all([increment('etag'), increment('test'), increment('etag'), increment('test')]);
    expect((await current()).n).toBe(4);
    // Nothing of the container was edited.
    expect(await device.becomes('web', 'STARTED')).toBe(pid);
  });

  test('what fails is told, remembered, and tried again when asked', async ({ device }) => {
    const outside = await listening(device);
    // It never says that it is ready: one that only ends early may be committed before its end is seen.
    const state = realState().container('bad', { behaviour: 'exit 3', run: { status_goal: 'READY' } });
    for (const [id, content] of state.objects) await outside.ask('PUT', `/v1/objects/${id}`, { body: content });
    const run = (query = '') =>
      outside.ask('PUT', `/v1/revisions/bad?run=true&wait=60${query}`, { body: state.toText() });
    const failed = {
      status: 422,
      json: { Error: expect.stringMatching(/^ERROR: .*bad/), progress: { status: 'ERROR' } },
    };
    expect(await run()).toMatchObject(failed);
    expect(await run()).toMatchObject({
      status: 409,
      json: { Error: expect.stringContaining('This content failed before') },
    });
    expect(await run('&retry=true')).toMatchObject(failed);
    // What is kept is written in the background, after the answer.
    const attempts = async (): Promise<readonly string[]> => {
      const { body } = await device.request('GET', '/history');
      const all = JSON.parse(body) as readonly { readonly revision: string; readonly from: string }[];
      return all.filter(({ revision }) => revision === 'locals/bad').map(({ from }) => from);
    };
    await until('both are in the history', async () => (await attempts()).length === 2, { detail: attempts });
    expect(await attempts()).toEqual(['ci at 127.0.0.1', 'ci at 127.0.0.1']);
  });

  test('what needs a boot is told so before it, and followed after it', async ({ device }) => {
    const outside = await listening(device, { PV_UPDATER_REBOOT: '1' });
    const body = realState().with('site.json', { name: 'hall 3' }).toText();
    const told = await outside.ask('PUT', '/v1/revisions/site?run=true&wait=60', { body });
    expect(told).toMatchObject({
      status: 202,
      json: { progress: { status: 'INPROGRESS', 'status-msg': 'Rebooting' } },
    });
    // Nobody answers while it boots.
    const status = async (): Promise<unknown> => {
      const answer = await outside.ask('GET', '/v1/revisions/site/progress?wait=20').catch(() => undefined);
      return (answer?.json['progress'] as { readonly status?: unknown } | undefined)?.status;
    };
    await until('it is DONE', async () => (await status()) === 'DONE', { limitMs: 60_000, detail: status });
  });

  test('an object of any size takes no more memory than a small one', async ({ device }) => {
    const outside = await listening(device);
    const content = Buffer.alloc(256 * 1024 * 1024, 'pantavisor');
    const { createHash } = await import('node:crypto');
    const id = createHash('sha256').update(content).digest('hex');
    const before = peakOf(device);
    expect((await outside.ask('PUT', `/v1/objects/${id}`, { body: content })).status).toBe(201);
    expect(peakOf(device) - before).toBeLessThan(40 * 1024);
    const { headers } = await outside.ask('HEAD', `/v1/objects/${id}`);
    expect(headers['upload-complete']).toBe('?1');
  });
}, ['lxc', 'loop', 'squashfs']);

/** Largest resident set until now, in KiB. */
const peakOf = (device: RealDevice): number => {
  const status = readFileSync(`/proc/${device.daemonPid()}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
};

/** Who may come in, how often, and what is written down of it. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, type BenchOptions, startBench } from './bench.ts';

const SPEC = '{"#spec":"pantavisor-service-system@1"}';
const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';
const NAMES = { look: 'read', bring: 'push', rule: 'read,push,control' } as const;
const tokenOf = (name: keyof typeof NAMES): string => `${name}.${SECRET}`;

let bench: Bench;
let tokens = '';
const put = (name: string, scopes: string): Promise<void> =>
  writeFile(`${tokens}/${name}`, `scopes=${scopes}\ntoken=${name}.${SECRET}\n`, { mode: 0o600 });
const start = async (options: BenchOptions = {}): Promise<void> => {
  bench = await startBench({
    ...options,
    prepare: async (root) => {
      tokens = `${root}/tokens`;
      await mkdir(tokens, { mode: 0o700 });
      for (const [name, scopes] of Object.entries(NAMES)) await put(name, scopes);
      return { tokens };
    },
  });
};
afterEach(() => bench.stop());

describe('a client', () => {
  beforeEach(() => start());

  it.each([
    ['without a token', {}, /A token is needed: "Authorization: Bearer TOKEN"/],
    ['with a wrong one', { token: `wrong.${SECRET}` }, /This is no token of this device/],
    ['with the sum of one', { token: 'a'.repeat(64) }, /no token/],
    ['with another scheme', { headers: { Authorization: `Basic ${tokenOf('rule')}` } }, /no token/],
  ])('%s is challenged', async (_, ask, message) => {
    const answer = await bench.ask('GET', '/v1/revisions', ask);
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="pantavisor"' },
      json: { Error: expect.stringMatching(message) },
    });
    expect(bench.audit).toEqual([
      { from: 'somebody at 127.0.0.1', what: 'GET /v1/revisions', status: 401, unwritten: 0 },
    ]);
  });

  it.each<[keyof typeof NAMES, string, string, number]>([
    ['look', 'GET', '/v1/revisions', 200],
    ['look', 'GET', '/v1/revisions/0', 200],
    ['look', 'GET', '/v1/revisions/0/progress', 200],
    ['look', 'HEAD', `/v1/objects/${'a'.repeat(64)}`, 404],
    ['look', 'GET', '/v1/openapi.json', 200],
    ['look', 'PUT', `/v1/objects/${'a'.repeat(64)}`, 403],
    ['look', 'PUT', '/v1/revisions/web', 403],
    ['look', 'PATCH', '/v1/revisions/current', 403],
    ['look', 'GET', '/v1/audit', 403],
    ['look', 'POST', '/cgi-bin/pvr/steps', 403],
    ['look', 'POST', '/cgi-bin/pvr/objects', 403],
    ['bring', 'GET', '/v1/revisions', 403],
    ['bring', 'GET', '/v1/events', 403],
    ['bring', 'GET', '/cgi-bin/pvr/.pvrremote', 403],
    ['bring', 'HEAD', `/v1/objects/${'a'.repeat(64)}`, 404],
    ['bring', 'PUT', '/v1/revisions/web', 201],
    ['bring', 'PUT', '/v1/revisions/web?run=true', 403],
    ['bring', 'POST', '/cgi-bin/pvr/steps', 403],
    ['rule', 'PUT', '/v1/revisions/web?run=true', 202],
    ['rule', 'GET', '/v1/audit', 200],
    ['rule', 'DELETE', '/v1/revisions/web', 405],
    ['rule', 'GET', '/v1/none', 404],
  ])('%s: %s %s is %i', async (name, method, path, status) => {
    const body = ['PUT', 'POST', 'PATCH'].includes(method) ? { body: SPEC } : {};
    const answer = await bench.ask(method, path, { token: tokenOf(name), ...body });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
    expect(bench.log).toHaveLength(status === 202 ? 1 : 0);
  });

  it('that brings something is written down by its name', async () => {
    await bench.ask('PUT', '/v1/revisions/web?message=secret', { token: tokenOf('bring'), body: SPEC });
    expect(bench.audit).toEqual([
      { from: 'bring at 127.0.0.1', what: 'PUT /v1/revisions/web', status: 201, unwritten: 0 },
    ]);
  });

  it('is known as soon as its token is there, and no longer than that', async () => {
    const status = async (): Promise<number> => {
      bench.nowMs += 10_000; // who asks so often with a wrong token would be locked out
      return (await bench.ask('GET', '/v1/revisions', { token: `new.${SECRET}` })).status;
    };
    expect(await status()).toBe(401);
    await put('new', 'read');
    await expect.poll(status).toBe(200);
    await chmod(`${tokens}/new`, 0o644);
    await expect.poll(status).toBe(401);
    expect(bench.problems.at(-1)).toMatch(/new has the mode 0644/);
    await chmod(`${tokens}/new`, 0o600);
    await expect.poll(status).toBe(200);
    await rm(`${tokens}/new`);
    await expect.poll(status).toBe(401);
  });
});

describe('too many requests', () => {
  it('of one token or address are told when to come back', async () => {
    await start({ rate: 1 });
    const ask = () => bench.ask('GET', '/v1/revisions', { token: tokenOf('look') });
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.find(({ status }) => status === 429)).toMatchObject({
      headers: { 'retry-after': '1' },
      json: { Error: 'Too many requests from this address. Try again in 1 s' },
    });
    bench.nowMs += 1_000;
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
  });

  it('with wrong tokens lock their address out for a while, right ones too, and are counted', async () => {
    await start();
    const ask = (token: string) => bench.ask('GET', '/v1/revisions', { token });
    for (let guess = 0; guess < 10; guess += 1) expect((await ask(`guess${guess}.${SECRET}`)).status).toBe(401);
    expect(await ask(tokenOf('rule'))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '6' },
      json: { Error: 'Too many wrong tokens from this address. Try again in 6 s' },
    });
    for (let again = 0; again < 50; again += 1) await ask(`again${again}.${SECRET}`);
    expect(bench.audit).toHaveLength(20);
    bench.nowMs += 6_000;
    expect((await ask(tokenOf('rule'))).status).toBe(200);
  });
});

describe('a page in a browser', () => {
  beforeEach(async () => {
    bench = await startBench();
  });

  it.each([
    ['of another site', { Origin: 'http://evil.example' }, 403],
    ['that was led here by a name server', { Host: 'evil.example' }, 421],
    ['that a form of another site leads to', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ])('%s can have nothing done', async (_, headers, status) => {
    expect((await bench.ask('PUT', '/v1/revisions/web?run=true', { body: SPEC, headers })).status).toBe(status);
    expect((await bench.ask('POST', '/cgi-bin/pvr/steps', { body: `{"state":${SPEC}}`, headers })).status).toBe(status);
    expect([bench.log, await bench.store.revisions()]).toEqual([[], ['0']]);
  });

  it('is not allowed to ask whether it may', async () => {
    const answer = await bench.raw(
      'OPTIONS /v1/revisions/web HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
    expect(answer).not.toMatch(/access-control/i);
  });
});

describe('the description', () => {
  beforeEach(async () => {
    bench = await startBench();
  });

  it('is OpenAPI, names every scope, and holds for what is answered', async () => {
    const { json } = await bench.ask('GET', '/v1/openapi.json');
    expect(json).toMatchObject({ openapi: '3.1.0', components: { securitySchemes: { token: { scheme: 'bearer' } } } });
    const paths = json['paths'] as Record<
      string,
      Record<string, { summary?: string; 'x-scopes'?: string[]; security?: unknown[] }>
    >;
    const operations = Object.values(paths).flatMap((methods) =>
      Object.entries(methods).flatMap(([name, operation]) => (name === 'parameters' ? [] : [operation])),
    );
    expect(operations.length).toBeGreaterThan(20);
    for (const operation of operations) {
      expect(operation.summary).toMatch(/\w/);
      expect(operation['x-scopes'] ?? operation.security).toBeDefined();
    }
    for (const [, name = ''] of JSON.stringify(json).matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(json).toHaveProperty(['components', 'schemas', name]);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: json['components'] });
    for (const [path, schema] of [
      ['/v1/revisions', 'RevisionList'],
      ['/v1/revisions/0/progress', 'RevisionProgress'],
      ['/v1/audit', 'Audit'],
      ['/v1/none', 'Error'],
    ] as const) {
      const isValid = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
      isValid((await bench.ask('GET', path)).json);
      expect([path, isValid.errors]).toEqual([path, null]);
    }
  });
});

describe('the events', () => {
  beforeEach(async () => {
    bench = await startBench();
  });

  it('tell how things are, and every change of it', async () => {
    bench.fares('locals/web', 'TESTING');
    const condition = {
      type: 'Degraded',
      status: 'False',
      reason: 'Healthy',
      message: '',
      lastTransitionTime: '',
    } as const;
    bench.conditions = [condition];
    const stream = bench.follow('GET', '/v1/events');
    const told = () => stream.events().map(([name, { status }]) => [name, status]);
    await expect.poll(told).toEqual([
      ['progress', 'TESTING'],
      ['condition', 'False'],
    ]);
    bench.fares('locals/web', 'DONE');
    await expect.poll(told).toHaveLength(3);
    bench.conditions = [{ ...condition, status: 'True' }];
    bench.tell();
    await expect.poll(told).toHaveLength(4);
    expect(told().slice(2)).toEqual([
      ['progress', 'DONE'],
      ['condition', 'True'],
    ]);
    stream.leave();
    await expect.poll(bench.isFollowed).toBe(false);
  });
});

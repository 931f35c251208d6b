import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { type Bench, startBench } from './bench.ts';

const CONTENT = 'the content of an object';
const ID = sha256(CONTENT);
const PATH = `/v1/objects/${ID}`;

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

const part = (first: number, last: number, total = CONTENT.length) =>
  bench.ask('PUT', PATH, {
    body: CONTENT.slice(first, last + 1),
    headers: { 'Content-Range': `bytes ${first}-${last}/${total}` },
  });

describe('/v1/objects/{sha256}', () => {
  it('takes an object whole, gives it back, and takes it again', async () => {
    expect(await bench.ask('PUT', PATH, { body: CONTENT })).toMatchObject({
      status: 201,
      headers: { 'upload-complete': '?1' },
    });
    expect((await bench.ask('GET', PATH)).body).toBe(CONTENT);
    expect(await bench.ask('HEAD', PATH)).toMatchObject({
      status: 200,
      headers: { 'upload-offset': String(CONTENT.length), 'upload-complete': '?1' },
    });
    expect((await bench.ask('PUT', PATH, { body: CONTENT })).status).toBe(201);
    // Who is told so at once goes on sending.
    expect((await bench.ask('PUT', PATH, { body: Buffer.alloc(32 << 20) })).status).toBe(201);
  });

  it('takes it in parts, and tells where the next one begins', async () => {
    expect((await bench.ask('HEAD', PATH)).status).toBe(404);
    expect(await part(0, 9)).toMatchObject({
      status: 202,
      headers: { 'upload-offset': '10', 'upload-complete': '?0' },
    });
    expect(await bench.ask('HEAD', PATH)).toMatchObject({ status: 202, headers: { 'upload-offset': '10' } });
    expect((await bench.ask('GET', PATH)).status).toBe(404);
    expect(await part(15, 20)).toMatchObject({
      status: 409,
      headers: { 'upload-offset': '10' },
      json: { Error: 'The next part begins at 10' },
    });
    expect((await part(10, CONTENT.length - 1)).status).toBe(201);
    expect((await bench.ask('GET', PATH)).body).toBe(CONTENT);
  });

  it('keeps what came before a connection was cut', async () => {
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${CONTENT.length}\r\n\r\n`;
    await bench.raw(head + CONTENT.slice(0, 7), 200);
    await expect.poll(async () => (await bench.ask('HEAD', PATH)).headers['upload-offset']).toBe('7');
    // The offset is told before the connection that was cut has let go of the upload.
    await expect.poll(async () => (await part(7, CONTENT.length - 1)).status).toBe(201);
    expect(bench.problems.filter((problem) => !problem.includes('PV_PVR_TOKENS'))).toEqual([]);
  });

  it.each([
    ['that is no range', 'bytes 5-3/10'],
    ['beyond its end', 'bytes 0-10/10'],
    ['of other units', 'lines 0-1/2'],
    ['of unknown length', 'bytes 0-1/*'],
  ])('refuses a Content-Range %s', async (_, range) => {
    const answer = await bench.ask('PUT', PATH, { body: 'x', headers: { 'Content-Range': range } });
    expect(answer).toMatchObject({
      status: 400,
      json: { Error: expect.stringContaining('expected bytes FIRST-LAST/TOTAL') },
    });
  });

  it('refuses a range of another length than the body', async () => {
    const answer = await bench.ask('PUT', PATH, { body: 'x', headers: { 'Content-Range': 'bytes 0-4/10' } });
    expect(answer.json['Error']).toBe('Content-Range is of 5 bytes, but Content-Length is 1');
  });

  it.each(['x', 'a'.repeat(63), 'A'.repeat(64), '..%2f..%2fetc%2fpasswd'])('refuses the name %s', async (name) => {
    for (const method of ['PUT', 'GET'])
      expect((await bench.ask(method, `/v1/objects/${name}`, method === 'PUT' ? { body: 'x' } : {})).status).toBe(400);
  });

  it('refuses another content, and what does not fit, and nothing of it stays', async () => {
    expect(await bench.ask('PUT', PATH, { body: 'something else' })).toMatchObject({
      status: 422,
      json: { Error: 'Object has bad checksum' },
    });
    expect((await bench.ask('HEAD', PATH)).status).toBe(404);
    await bench.stop();
    bench = await startBench({ files: { space: async () => ({ totalBytes: 1000, freeBytes: 60 }) } });
    expect(await bench.ask('PUT', PATH, { body: CONTENT })).toMatchObject({
      status: 507,
      json: { Error: 'Not enough disk space available' },
    });
  });

  it('tells a second connection to come back while the first one is at it', async () => {
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${CONTENT.length}\r\n\r\n`;
    const first = bench.raw(head + CONTENT.slice(0, 7), 1_000);
    await expect.poll(async () => (await bench.ask('HEAD', PATH)).status).toBe(202);
    const { clock } = bench.device;
    const timers = clock.pending();
    const second = bench.ask('PUT', PATH, { body: CONTENT });
    await expect.poll(() => clock.pending()).toBe(timers + 1);
    clock.advance(500);
    expect(await second).toMatchObject({ status: 423, headers: { 'retry-after': '5' } });
    await first;
  });

  it('refuses before a large body is sent, and lets the client hear it', async () => {
    await bench.stop();
    bench = await startBench({ files: { space: async () => ({ totalBytes: 1000, freeBytes: 60 }) } });
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n`;
    const answer = await bench.raw(head, 500);
    expect(answer).toMatch(/^HTTP\/1\.1 507 /);
    expect(answer).not.toContain('100 Continue');
    expect(answer).toContain('Connection: close');
  });

  it('tells a client that waits for it to go on', async () => {
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${CONTENT.length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    const answer = await bench.raw(head + CONTENT);
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  });
});

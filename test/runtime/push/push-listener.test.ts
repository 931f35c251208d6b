/** Opening the listener, TLS, and clients that mean no good. */
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { PushSettings } from '../../../runtime/config/push-config.ts';
import { type Bench, type BenchOptions, startBench } from './bench.ts';
import { type Made, makeCertificate } from './certificate.ts';

const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';

let bench: Bench;
let made: Made;
let other: Made;
let places: { readonly tokens: string; readonly cert: string; readonly key: string };
afterEach(() => bench.stop());

/** Tokens and certificates are in places of their own; `more` may take something away. */
const start = async (more: BenchOptions = {}, damage: () => Promise<void> = async () => undefined): Promise<void> => {
  bench = await startBench({
    ...more,
    prepare: async (root): Promise<Partial<PushSettings>> => {
      places = { tokens: `${root}/tokens`, cert: `${root}/tls/cert.pem`, key: `${root}/tls/key.pem` };
      await mkdir(places.tokens, { mode: 0o700 });
      await mkdir(`${root}/tls`);
      await writeFile(`${places.tokens}/ci`, `scopes=read\ntoken=${SECRET}`, { mode: 0o600 });
      made = makeCertificate(root, 'gateway');
      other = makeCertificate(root, 'other');
      await rename(made.cert, places.cert);
      await rename(made.key, places.key);
      await damage();
      return { tokens: places.tokens, tls: { cert: places.cert, key: places.key } };
    },
  });
};
const status = async (ca: string): Promise<number> =>
  (await bench.ask('GET', '/v1/revisions', { token: SECRET, ca })).status;

describe('with a certificate', () => {
  it('speaks TLS, and nothing in the clear', async () => {
    await start();
    expect(bench.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await status(made.pem)).toBe(200);
    await expect(status(other.pem)).rejects.toThrow(/self-signed certificate|unable to verify/);
    expect(await bench.raw('GET /v1/revisions HTTP/1.1\r\nHost: localhost\r\n\r\n')).toBe('');
    const remote = await bench.ask('GET', '/cgi-bin/pvr/.pvrremote', { token: SECRET, ca: made.pem });
    expect(String(remote.json['post-url'])).toMatch(/^https:/);
  });

  it('speaks no TLS that is out of use', async () => {
    await start();
    const { port } = new URL(bench.url);
    const socket = connectTls({
      port: Number(port),
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    });
    await expect(
      new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
    ).rejects.toThrow();
  });

  it('answers to the names in it', async () => {
    await start();
    const as = async (host: string) =>
      (await bench.ask('GET', '/v1/revisions', { token: SECRET, ca: made.pem, headers: { Host: host } })).status;
    expect([await as('gateway.example:1'), await as('evil.example')]).toEqual([200, 421]);
  });

  it('takes up another one as soon as it and its key are there', async () => {
    await start();
    await rename(other.key, places.key);
    await expect
      .poll(() => bench.problems.at(-1))
      .toMatch(/goes on as it is: PV_PVR_TLS_KEY is .*not the key of the certificate/);
    expect(await status(made.pem)).toBe(200);
    await rename(other.cert, places.cert);
    await expect.poll(() => status(other.pem).catch(() => 0)).toBe(200);
  });

  it('goes on with the tokens there are while the certificate is not sound', async () => {
    await start();
    await rm(places.cert);
    await rm(`${places.tokens}/ci`);
    await expect.poll(() => status(made.pem)).toBe(401);
  });
});

describe('what the listener needs', () => {
  it.each<[string, () => Promise<void>, RegExp]>([
    ['its certificate', () => rm(places.cert), /is not opened: PV_PVR_TLS_CERT is .*, but there is no such file/],
    ['its key', () => rm(places.key), /is not opened: PV_PVR_TLS_KEY is .*, but there is no such file/],
    ['a key of its own', () => chmod(places.key, 0o640), /is not opened: PV_PVR_TLS_KEY: .* has the mode 0640/],
    ['the right key', () => rename(other.key, places.key), /is not opened: .*not the key of the certificate/],
  ])('is told when it lacks %s', async (_, damage, problem) => {
    await start({}, damage);
    expect(bench.url).toBe('');
    expect(bench.problems.at(-1)).toMatch(problem);
  });

  it('is a token, where others can reach it; it opens when there is one', async () => {
    await start({ isLoopback: false }, () => rename(`${places.tokens}/ci`, `${places.tokens}/.ci`));
    expect(bench.url).toBe('');
    expect(bench.problems.at(-1)).toMatch(/PV_PVR_LISTEN is not opened: there is no sound token in .*tokens/);
    await rename(`${places.tokens}/.ci`, `${places.tokens}/ci`);
    await expect.poll(() => bench.url).not.toBe('');
    expect(await status(made.pem)).toBe(200);
  });

  it('is nothing on the loopback; that this is open to every process is told', async () => {
    bench = await startBench();
    expect(bench.problems).toEqual([
      expect.stringMatching(/every process of this machine can run anything.*containers/),
    ]);
  });

  it('is a port that nobody else has', async () => {
    bench = await startBench();
    const { port } = new URL(bench.url);
    const second = await startBench({ listen: { host: '127.0.0.1', port: Number(port) } });
    expect(second.url).toBe('');
    expect(second.problems.at(-1)).toMatch(/PV_PVR_LISTEN: listening on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
    await second.stop();
  });
});

describe('a client that means no good', () => {
  const PUT = 'PUT /v1/revisions/web HTTP/1.1\r\nHost: localhost\r\n';

  it.each([
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['binary garbage', '\u0016\u0003\u0001\u0002\u0000\u0001\u00fc\u0003\u0003\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a giant header', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 4\d\d /],
    ['two lengths', `${PUT}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`, /^HTTP\/1\.1 400 /],
    [
      'a length and chunks',
      `${PUT}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    ['a bad chunk', `${PUT}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`, /400|^$/],
    ['a negative length', `${PUT}Content-Length: -1\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ['a target with control characters', 'GET /\u0001 HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a tunnel', 'CONNECT evil:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 501 /],
    ['a strange expectation', `${PUT}Expect: the worst\r\nContent-Length: 1\r\n\r\nx`, /^HTTP\/1\.1 417 /],
  ])('sends %s, and is answered or dropped', async (_, text, expected) => {
    bench = await startBench();
    expect(await bench.raw(text, 1_500)).toMatch(expected);
    expect((await bench.ask('GET', '/v1/revisions')).status).toBe(200);
    expect(await bench.store.revisions()).toEqual(['0']);
  });

  it('announces more than it sends, and nothing comes of it', async () => {
    bench = await startBench();
    await bench.raw(`${PUT}Content-Length: 1000\r\n\r\n{"#spec"`, 100);
    expect((await bench.ask('GET', '/v1/revisions')).status).toBe(200);
    expect(await bench.store.revisions()).toEqual(['0']);
  });

  it('who sends without end after a refusal is cut off', async () => {
    bench = await startBench();
    const { port } = new URL(bench.url);
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    let answer = '';
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (piece) => {
      answer += piece;
    });
    socket.on('error', () => undefined); // a reset is a way to cut it off
    socket.write(`PUT /v1/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n`);
    const pour = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(256 * 1024)));
    };
    socket.on('drain', pour);
    pour();
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('holds no more connections than its share, and the others are served', async () => {
    bench = await startBench();
    const { port } = new URL(bench.url);
    const sockets = Array.from({ length: 60 }, () => connect({ port: Number(port), host: '127.0.0.1' }));
    let closed = 0;
    for (const socket of sockets) socket.on('close', () => closed++).on('error', () => undefined); // as above
    await expect.poll(() => closed).toBe(28);
    for (const socket of sockets.slice(0, 8)) socket.destroy();
    await expect
      .poll(() =>
        bench.ask('GET', '/v1/revisions').then(
          (answer) => answer.status,
          () => 0,
        ),
      )
      .toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

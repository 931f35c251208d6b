/** The listener where others can reach it: refused without tokens and TLS, and held to both in a network of its own. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test as plain } from 'vitest';
import { freePort } from '../../../hack/demonstration/ports.ts';
import { makeCertificate } from '../../runtime/push/certificate.ts';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { until } from '../daemon/until.ts';
import { describeSystem } from '../require-root.ts';

const execute = promisify(execFile);
const PANTAVISOR = resolve(import.meta.dirname, '../../../dist/pantavisor');
const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';
const ADDRESS = '192.0.2.1';

interface Curled {
  readonly status: string;
  readonly body: string;
}

/** @param before what runs curl, if not we. */
const curl = async (before: readonly string[], ...given: readonly string[]): Promise<Curled> => {
  const [program = '', ...rest] = [...before, 'curl', '-sS', '-m', '10', '-w', '\n%{http_code}', ...given];
  const { stdout } = await execute(program, rest).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: `${error.stderr}\n000`,
  }));
  const lines = stdout.split('\n');
  return { status: lines.at(-1) ?? '', body: lines.slice(0, -1).join('\n') };
};

describeSystem('a listener that others can reach', () => {
  test('is refused without tokens and TLS; the device runs without it, and says why', async ({ device }) => {
    const port = await freePort(0);
    await device.start({ PV_PVR_LISTEN: `0.0.0.0:${port}` });
    expect(device.log()).toMatch(
      /nothing can be pushed: PV_PVR_LISTEN is .*needs PV_PVR_TOKENS .*, and PV_PVR_TLS_CERT/,
    );
    expect((await device.status()).phase).toBe('running');
    expect((await curl([], `http://127.0.0.1:${port}/v1/revisions`)).status).toBe('000');
    const { stdout } = await execute(PANTAVISOR, ['config', 'PV_PVR_LISTEN'], {
      env: { ...process.env, PV_PVR_LISTEN: `0.0.0.0:${port}` },
    });
    expect(stdout).toMatch(/refused +PV_PVR_LISTEN is .*could run anything/);
  });

  test('is not there before its certificate is, and takes up another one', async ({ device }) => {
    const port = await freePort(0);
    const [tokens, tls] = [join(device.directory, 'tokens'), join(device.directory, 'tls')];
    for (const each of [tokens, tls]) mkdirSync(each, { mode: 0o700 });
    writeFileSync(join(tokens, 'ci'), `scopes=read\ntoken=${SECRET}\n`, { mode: 0o600 });
    await device.start({
      PV_PVR_LISTEN: `127.0.0.1:${port}`,
      PV_PVR_TOKENS: tokens,
      PV_PVR_TLS_CERT: join(tls, 'gateway.pem'),
      PV_PVR_TLS_KEY: join(tls, 'gateway.key'),
    });
    expect(device.log()).toMatch(/PV_PVR_LISTEN is not opened: PV_PVR_TLS_CERT is .*there is no such file/);
    const status = async (): Promise<string> =>
      (
        await curl(
          [],
          '--cacert',
          join(tls, 'gateway.pem'),
          '-H',
          `Authorization: Bearer ${SECRET}`,
          `https://127.0.0.1:${port}/v1/revisions`,
        )
      ).status;
    const serial = () =>
      execFileSync('openssl', ['x509', '-noout', '-serial', '-in', join(tls, 'gateway.pem')]).toString();
    makeCertificate(tls, 'gateway');
    const first = serial();
    await until('it answers', async () => (await status()) === '200');
    makeCertificate(tls, 'gateway');
    expect(serial()).not.toBe(first);
    await until('it answers with the other one', async () => (await status()) === '200');
    expect((await curl([], `http://127.0.0.1:${port}/`)).status).toBe('000');
  });

  test('lets no stranger slow the device down', async ({ device }) => {
    const port = await freePort(0);
    const tokens = join(device.directory, 'tokens');
    mkdirSync(tokens, { mode: 0o700 });
    writeFileSync(join(tokens, 'ci'), `scopes=read\ntoken=${SECRET}\n`, { mode: 0o600 });
    await device.start({ PV_PVR_LISTEN: `127.0.0.1:${port}`, PV_PVR_TOKENS: tokens });
    const rss = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${device.daemonPid()}/status`, 'utf8'))?.[1]);
    const before = rss();
    const stop = molest(port);
    try {
      const slowest = await slowestAnswer(device, 3_000);
      process.stdout.write(
        `slowest answer ${slowest.toFixed(0)} ms, memory ${((rss() - before) / 1024).toFixed(0)} MB more\n`,
      );
      expect(slowest).toBeLessThan(2_000);
      expect(rss() - before).toBeLessThan(40 * 1024);
    } finally {
      stop();
    }
    const lines = device
      .log()
      .split('\n')
      .filter((line) => line.includes('somebody at 127.0.0.1'));
    expect(lines.length).toBeLessThanOrEqual(20);
  });
});

/** Slow requests, garbage, giants and wrong tokens, as many as there are connections. @returns how to stop it. */
const molest = (port: number): (() => void) => {
  const KINDS = [
    'GET /v1/revisions HTTP/1.1\r\nHost: local',
    '\u0016\u0003\u0001\u0000binary\r\n\r\n',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(30_000)}`,
    'GET /v1/revisions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrongwrongwrongwrongwrongwrongwrong\r\n\r\n',
    'PUT /v1/objects/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
    `${'GET /v1/none HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50)}`,
  ];
  let isOver = false;
  const one = (number: number): void => {
    if (isOver) return;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined); // it is refused, which is as well
    socket.resume();
    socket.write(KINDS[number % KINDS.length] ?? '');
    const timer = setTimeout(() => socket.destroy(), 300);
    socket.once('close', () => {
      clearTimeout(timer);
      setTimeout(() => one(number + 1), 5);
    });
  };
  for (let number = 0; number < 100; number += 1) one(number);
  return () => {
    isOver = true;
  };
};

const slowestAnswer = async (device: RealDevice, forMs: number): Promise<number> => {
  let slowest = 0;
  for (const endAt = performance.now() + forMs; performance.now() < endAt; ) {
    const askedAt = performance.now();
    expect((await device.request('GET', '/groups')).status).toBe(200);
    slowest = Math.max(slowest, performance.now() - askedAt);
  }
  return slowest;
};

describeSystem('in a network of its own', () => {
  const network = `pvtest-push-${process.pid}`;
  const within = ['ip', 'netns', 'exec', network];
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pvtest-net-'));
    execFileSync('ip', ['netns', 'add', network]);
    // No other machine sees it: it is an address of this network only.
    for (const command of ['link set lo up', `addr add ${ADDRESS}/32 dev lo`])
      execFileSync('ip', ['-n', network, ...command.split(' ')]);
  });
  afterEach(() => {
    execFileSync('ip', ['netns', 'del', network]);
    rmSync(directory, { recursive: true, force: true });
  });

  plain('with tokens and TLS it answers on every address, to those who have a token', async () => {
    const [tokens, run, storage] = ['tokens', 'run', 'storage'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]; // three of three
    for (const each of [tokens, run, storage]) mkdirSync(each, { mode: 0o700 });
    writeFileSync(join(tokens, 'ci'), `scopes=read\ntoken=${SECRET}\n`, { mode: 0o600 });
    const { cert, key } = makeCertificate(directory, 'gateway', `IP:${ADDRESS}`);
    const settings = {
      PV_STORAGE_MNTPOINT: storage,
      PV_SYSTEM_RUNDIR: run,
      PV_PVR_LISTEN: '0.0.0.0:12368',
      PV_PVR_TOKENS: tokens,
      PV_PVR_TLS_CERT: cert,
      PV_PVR_TLS_KEY: key,
    };
    const daemon = spawn('ip', ['netns', 'exec', network, PANTAVISOR, 'run'], {
      env: { ...process.env, ...settings },
      stdio: 'ignore',
      detached: true,
    });
    try {
      const ask = (...more: readonly string[]) =>
        curl(within, '--cacert', cert, ...more, `https://${ADDRESS}:12368/v1/revisions`);
      const auth = ['-H', `Authorization: Bearer ${SECRET}`];
      await until('it answers', async () => (await ask(...auth)).status === '200', { detail: () => ask(...auth) });
      expect((await ask()).status).toBe('401');
      expect((await ask(...auth, '-X', 'PUT', '-d', '{}')).status).toBe('405');
      expect((await ask(...auth, '-H', 'Host: evil.example')).status).toBe('421');
      expect((await curl(within, ...auth, `http://${ADDRESS}:12368/v1/revisions`)).status).toBe('000');
    } finally {
      const exited = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await exited;
    }
  });
}, ['lxc']);

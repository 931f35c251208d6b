/** Rates, addresses, origins, signatures, and what is written down: each by itself. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { addressOf, neighbourhoodOf } from '../../../runtime/push/address.ts';
import { openDoor } from '../../../runtime/push/admission.ts';
import { type AuditLine, auditing } from '../../../runtime/push/audit.ts';
import { originProblem } from '../../../runtime/push/origin.ts';
import type { PushOperation } from '../../../runtime/push/push-operation.ts';
import { rateOf } from '../../../runtime/push/rates.ts';
import { signing } from '../../../runtime/push/signed-urls.ts';
import { parseToken } from '../../../runtime/push/tokens.ts';

describe('a rate', () => {
  it('lets a burst through, and then so much a second; each by itself', () => {
    let nowMs = 0;
    const rate = rateOf({ perSecond: 2, burst: 3, nowMs: () => nowMs });
    expect([1, 2, 3, 4].map(() => rate.take('a'))).toEqual([0, 0, 0, 1]);
    expect(rate.take('b')).toBe(0);
    nowMs = 500;
    expect([rate.wait('a'), rate.take('a'), rate.take('a')]).toEqual([0, 0, 1]);
    nowMs = 1_000_000;
    expect([1, 2, 3, 4].map(() => rate.take('a'))).toEqual([0, 0, 0, 1]);
    expect(rate.wait('unknown')).toBe(0);
  });

  it('does not grow with the number of those who come', () => {
    const rate = rateOf({ perSecond: 0.001, burst: 1, nowMs: () => 0 });
    for (let number = 0; number < 5_000; number += 1) rate.take(`${number}`);
    expect(rate.wait('4999')).toBeGreaterThan(0);
    expect(rate.wait('0')).toBe(0);
  });
});

describe('a token', () => {
  const secret = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';
  const operation: PushOperation = {
    summary: '',
    scopes: ['read'],
    answers: {},
    handle: () => ({ status: 200, headers: {}, body: '' }),
  };

  it('is used no more often from many addresses than from one', () => {
    const token = parseToken('ci', `scopes=read\ntoken=${secret}`);
    if (typeof token === 'string') throw new Error(token);
    let nowMs = 0;
    const door = openDoor({ tokens: () => [token], signing: signing(() => nowMs), rate: 1, nowMs: () => nowMs });
    const admitted = (number: number): number => {
      const incoming = { headers: { authorization: `Bearer ${secret}` } } as IncomingMessage; // all that is looked at
      const address = `192.0.2.${number}`;
      expect(door.knock(address)).toBeUndefined();
      const admission = door.admit(
        { incoming, method: 'GET', path: '/', query: new URLSearchParams(), address },
        operation,
      );
      return 'client' in admission ? 200 : admission.refused.status;
    };
    const statuses = Array.from({ length: 12 }, (_, number) => admitted(number));
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
    nowMs = 1_000;
    expect(admitted(99)).toBe(200);
  });
});

describe('an address', () => {
  it.each([
    ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '::1', '0:0:0:0'],
    [undefined, 'nowhere', 'nowhere'],
  ])('%s is %s, among %s', (remote, address, neighbourhood) => {
    expect(addressOf(remote)).toBe(address);
    expect(neighbourhoodOf(address)).toBe(neighbourhood);
  });
});

describe('where a request comes from', () => {
  const options = { listenHost: 'push.example', hostname: 'gateway', hasTokens: false, certificate: undefined };
  const problem = (headers: Record<string, string>, more = {}) =>
    originProblem(headers, 'http', { ...options, ...more })?.status;

  it.each(['127.0.0.1:1', '[::1]:1', 'localhost', '192.0.2.7:12368', 'push.example:1', 'PUSH.example'])(
    'is not asked when it is for %s',
    (host) => expect(problem({ host })).toBeUndefined(),
  );

  it.each(['evil.example', 'gateway', 'gateway.local:12368', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'is wrong when it is for %s: somebody may have led a page here',
    (host) => expect(problem({ host })).toBe(421),
  );

  it('is right for the name of the machine, where whoever asks has to know a token', () => {
    expect(problem({ host: 'gateway.local:1' }, { hasTokens: true })).toBeUndefined();
    expect(problem({ host: 'Gateway' }, { hasTokens: true })).toBeUndefined();
    expect(problem({ host: 'evil.example' }, { hasTokens: true })).toBe(421);
  });

  it.each([
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://localhost:1' }, 403],
    [{ origin: 'http://localhost:1' }, undefined],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, undefined],
  ])('with %j is answered with %s', (headers, status) => {
    expect(problem({ host: 'localhost:1', ...headers })).toBe(status);
  });
});

describe('a signed URL', () => {
  let nowMs = 0;
  const urls = signing(() => nowMs);
  const parts = (signed: string): [string, URLSearchParams] => {
    const { pathname, searchParams } = new URL(signed, 'http://x');
    return [pathname, searchParams];
  };

  it('says for whom it was made, for a day', () => {
    nowMs = 0;
    const signed = urls.sign('PUT', '/a', 'ci');
    expect(urls.verify('PUT', ...parts(signed))).toBe('ci');
    nowMs = 24 * 3_600_000;
    expect(urls.verify('PUT', ...parts(signed))).toBeUndefined();
  });

  it.each([
    ['another method', (signed: string) => urls.verify('GET', ...parts(signed))],
    ['another path', (signed: string) => urls.verify('PUT', '/b', parts(signed)[1])],
    ['another name', (signed: string) => urls.verify('PUT', ...parts(signed.replace('by=ci', 'by=root')))],
    ['another end', (signed: string) => urls.verify('PUT', ...parts(signed.replace('until=', 'until=9')))],
    ['no signature', (signed: string) => urls.verify('PUT', ...parts(signed.replace(/&sum=.*/, '')))],
    ['another daemon', (signed: string) => signing(() => nowMs).verify('PUT', ...parts(signed))],
  ])('is worth nothing for %s', (_, verify) => {
    nowMs = 0;
    expect(verify(urls.sign('PUT', '/a', 'ci'))).toBeUndefined();
  });
});

describe('what is written down', () => {
  const record = () => {
    const lines: AuditLine[] = [];
    const clock = { nowMs: 0 };
    return {
      lines,
      clock,
      audit: auditing(
        (line) => void lines.push(line),
        () => clock.nowMs,
      ),
    };
  };
  const by = { from: 'ci at 192.0.2.7', isKnown: true, path: '/v1/revisions/web' };

  it('is what changes something, and what was refused; not who looks', () => {
    const { lines, audit } = record();
    audit.answered({ ...by, method: 'GET', status: 200 });
    audit.answered({ ...by, method: 'HEAD', status: 404 });
    audit.answered({ ...by, method: 'PUT', status: 201 });
    audit.answered({ ...by, method: 'GET', status: 401 });
    expect(lines.map(({ what, status }) => [what, status])).toEqual([
      ['PUT /v1/revisions/web', 201],
      ['GET /v1/revisions/web', 401],
    ]);
  });

  it('cannot be filled by strangers: their refusals are counted', () => {
    const { lines, clock, audit } = record();
    for (let number = 0; number < 1000; number += 1)
      audit.answered({ ...by, isKnown: false, method: 'POST', status: 404 });
    expect(lines).toHaveLength(20);
    clock.nowMs = 60_000;
    audit.answered({ ...by, isKnown: false, method: 'GET', status: 401 });
    expect(lines.at(-1)?.unwritten).toBe(980);
    audit.answered({ ...by, method: 'PUT', status: 200 });
    expect(lines.at(-1)).toMatchObject({ status: 200, unwritten: 0 });
  });

  it('holds no control characters, and is short', () => {
    const { lines, audit } = record();
    audit.answered({ ...by, path: `/\u001b[2J\n${'x'.repeat(500)}`, method: 'PUT', status: 200 });
    expect(lines[0]?.what).toMatch(/^PUT \/\?\[2J\?x{154}…$/);
  });
});

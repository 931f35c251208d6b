import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';
import { parseState, type StateDocument } from '../../../resources/state-format/state.ts';
import type { TrustSettings } from '../../../runtime/trust/trust-settings.ts';
import { verifyState } from '../../../runtime/trust/verify-state.ts';
import { aState, sha256 } from '../../state-builder.ts';
import { type Algorithm, makePki, type SignOptions, signed } from './signer.ts';

const pki = makePki();
afterAll(() => pki.remove());
const vendor = pki.leaf('vendor');
const base = aState().container('web').object('bsp/kernel.img').toValue();
const webKeys = Object.keys(base)
  .sort()
  .filter((key) => key.startsWith('web/'));
const allKeys = Object.keys(base).sort();

const strict: TrustSettings = {
  mode: 'strict',
  anchors: [pki.root.pem],
  oemAnchors: [],
  oemName: undefined,
  publicKey: undefined,
};
const chain = [vendor, pki.intermediate];
const ALL = ['web/**', '#spec', 'bsp/**', 'device.json', 'groups.json'];

/** As pvr writes it: sorted by key. */
const sortedText = (state: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1))));

const documentOf = (state: Readonly<Record<string, unknown>>): StateDocument => {
  const parsed = parseState(Buffer.from(sortedText(state)), sha256);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
};
const withSignature = (options: Partial<SignOptions> = {}, keys = allKeys, state = base) =>
  documentOf({ ...state, '_sigs/web.json': signed(base, keys, { include: ALL, chain, key: vendor.key, ...options }) });
const problemsOf = (document: StateDocument, trust: Partial<TrustSettings> = {}) =>
  verifyState(document, { ...strict, ...trust }).problems;

describe('a state whose every key is signed', () => {
  it.each(['RS256', 'ES256', 'ES384', 'ES512'] as Algorithm[])('runs with %s', (algorithm) => {
    const leaf = pki.leaf('vendor', algorithm);
    const options = { algorithm, key: leaf.key, chain: [leaf, pki.intermediate] };
    expect(problemsOf(withSignature(options))).toEqual([]);
    if (algorithm !== 'RS256') expect(problemsOf(withSignature({ ...options, der: true }))).toEqual([]);
  });

  it('says who signed it', () => {
    expect(verifyState(withSignature(), strict)).toEqual({
      untrusted: undefined,
      problems: [],
      warnings: [],
      signatures: [{ key: '_sigs/web.json', signer: '"vendor"', keys: allKeys.length }],
    });
  });

  it('runs with pub.pem where the signature has no certificate', () => {
    const document = documentOf({
      ...base,
      '_sigs/web.json': signed(base, allKeys, { include: ALL, key: vendor.key }),
    });
    const publicKey = vendor.pem; // createPublicKey takes a certificate for its key
    expect(problemsOf(document, { publicKey })).toEqual([]);
    expect(problemsOf(document)).toEqual([
      expect.stringContaining('has no pub.pem'),
      expect.stringContaining('not fully'),
    ]);
    expect(problemsOf(document, { publicKey: pki.root.pem })[0]).toMatch(/not a signature of this state by pub.pem/);
  });

  it('runs whatever the key of the signature is called, and counts what is excluded as covered', () => {
    const options = { include: ['web/**', 'device.json', 'groups.json', '#spec'], exclude: ['bsp/**'] };
    const keys = allKeys.filter((key) => !key.startsWith('bsp/'));
    const value = signed(base, keys, { ...options, chain, key: vendor.key });
    const keyed = documentOf({ ...base, 'anything.json': value });
    expect(problemsOf(keyed)).toEqual(['State not fully covered by signatures: anything.json']);
    expect(problemsOf(documentOf({ ...base, '_sigs/x.json': value }))).toEqual([]);
  });
});

describe('what is not covered', () => {
  const half = () => withSignature({ include: ['web/**'] }, webKeys);
  it.each([
    ['strict', 'coverage', 1, 0],
    ['audit', undefined, 0, 1],
    ['lenient', undefined, 0, 0],
  ] as const)('in mode %s', (mode, untrusted, problems, warnings) => {
    const verdict = verifyState(half(), { ...strict, mode });
    expect(verdict.untrusted).toBe(untrusted);
    expect(verdict.problems).toHaveLength(problems);
    expect(verdict.warnings).toHaveLength(warnings);
    expect([...verdict.problems, ...verdict.warnings].join()).toMatch(
      problems + warnings === 0 ? /^$/ : /^State not fully covered by signatures: .*bsp\/kernel.img/,
    );
  });

  it('an unsigned state runs in no mode that wants coverage', () => {
    expect(problemsOf(documentOf(base))).toHaveLength(1);
    expect(problemsOf(documentOf(base), { mode: 'lenient' })).toEqual([]);
  });
});

describe('a signature that is wrong is refused in every mode', () => {
  const stranger = makePki();
  afterAll(() => stranger.remove());
  const outsider = stranger.leaf('vendor');
  const expired = { nowMs: Date.now() + 90 * 24 * 3_600_000 };
  const cases: [string, () => StateDocument, RegExp, Partial<TrustSettings>?][] = [
    [
      'another value',
      () => withSignature({}, allKeys, { ...base, 'web/root.squashfs': 'a'.repeat(64) }),
      /not a signature of this state/,
    ],
    [
      'a key more',
      () => withSignature({}, allKeys, { ...base, 'web/more': 'a'.repeat(64) }),
      /not a signature of this state/,
    ],
    [
      'another authority',
      () => withSignature({ key: outsider.key, chain: [outsider, stranger.intermediate] }),
      /was not issued by anybody/,
    ],
    ['a missing intermediate', () => withSignature({ chain: [vendor] }), /"vendor" was not issued by anybody/],
    ["somebody else's key", () => withSignature({ key: outsider.key }), /not a signature of this state/],
    [
      'a leaf that issues',
      () => {
        const leaf = stranger.leaf('vendor');
        return withSignature({ key: leaf.key, chain: [leaf, vendor, pki.intermediate] });
      },
      /was not issued by anybody/,
    ],
    ['no patterns to exclude', () => withSignature({ header: { pvs: { include: ALL } } }), /pvs.exclude/],
    [
      'patterns that are no list',
      () => withSignature({ header: { pvs: { include: '**', exclude: [] } } }),
      /pvs.include/,
    ],
    ['another type', () => withSignature({ header: { typ: 'JWT' } }), /typ/],
    ['no algorithm', () => withSignature({ header: { alg: 'none' } }), /alg/],
    ['HMAC with a public key', () => withSignature({ header: { alg: 'HS256' } }), /alg/],
    ['an algorithm for another kind of key', () => withSignature({ header: { alg: 'RS256' } }), /not a signature/],
    ['no certificate in x5c', () => withSignature({ header: { x5c: [] } }), /certificate cannot be read/],
    ['garbage in x5c', () => withSignature({ header: { x5c: ['AAAA'] } }), /certificate cannot be read/],
    ['an expired certificate, where dates are judged', () => withSignature(), /not valid at this time/, expired],
  ];
  it.each(cases)('%s', (_, document, expected, trust = {}) => {
    for (const mode of ['strict', 'audit', 'lenient'] as const) {
      const verdict = verifyState(document(), { ...strict, ...trust, mode });
      expect(verdict.untrusted).toBe('signature');
      expect(verdict.problems[0]).toMatch(/^Signature validation failed: _sigs\/web.json: /);
      expect(verdict.problems[0]).toMatch(expected);
    }
  });

  it.each([
    ['no protected header', { '#spec': 'pvs@2', signature: 'AAAA' }],
    ['no signature', { '#spec': 'pvs@2', protected: 'e30' }],
    ['a header that is no JSON', { '#spec': 'pvs@2', protected: 'AAAA', signature: 'AAAA' }],
    ['a header that is no base64url', { '#spec': 'pvs@2', protected: '{}', signature: 'AAAA' }],
    ['a signature that is a number', { '#spec': 'pvs@2', protected: 'e30', signature: 7 }],
  ])('%s', (_, value) => {
    expect(problemsOf(documentOf({ ...base, '_sigs/web.json': value }), { mode: 'lenient' })).toEqual([
      expect.stringMatching(/^Signature validation failed: _sigs\/web.json: /),
    ]);
  });
});

it('is enough to refuse a state: thousands more are not looked at', () => {
  const value = signed(base, webKeys, { include: ALL, key: vendor.key });
  const many = Array.from({ length: 3000 }, (_, index) => [`_sigs/${index}.json`, value] as const);
  const verdict = verifyState(documentOf({ ...base, ...Object.fromEntries(many) }), {
    ...strict,
    publicKey: pki.root.pem,
  });
  expect(verdict.untrusted).toBe('signature');
  expect(verdict.problems).toHaveLength(5);
});

describe('certificates of the OEM', () => {
  const oemPki = makePki();
  afterAll(() => oemPki.remove());
  const oem = oemPki.leaf('acme');
  const trust = { oemAnchors: [oemPki.root.pem], oemName: 'acme', mode: 'lenient' } as const;
  const signature = (include: readonly string[], keys: readonly string[]) =>
    documentOf({
      ...base,
      '_sigs/acme.json': signed(base, keys, { include, key: oem.key, chain: [oem, oemPki.intermediate] }),
    });
  it('sign what is neither the BSP nor theirs', () => {
    expect(problemsOf(signature(['web/**'], webKeys), trust)).toEqual([]);
  });
  it('do not sign the BSP', () => {
    expect(problemsOf(signature(['bsp/**'], ['bsp/kernel.img']), trust)[0]).toMatch(/was not issued by anybody/);
  });
  it('count only under the name of the OEM', () => {
    expect(problemsOf(signature(['web/**'], webKeys), { ...trust, oemName: 'other' })[0]).toMatch(/was not issued/);
    expect(problemsOf(signature(['web/**'], webKeys), { ...trust, oemName: '' })[0]).toMatch(/was not issued/);
  });
});

describe('nobody gets a state past a signature', () => {
  const text = sortedText({
    ...base,
    '_sigs/web.json': signed(base, allKeys, { include: ALL, chain, key: vendor.key }),
  });
  const verdictOf = (bytes: Uint8Array) => {
    const parsed = parseState(bytes, sha256);
    return parsed.ok ? verifyState(parsed.document, strict) : undefined;
  };

  test('by changing any byte of it', () => {
    const original = Buffer.from(text);
    expect(verdictOf(original)?.problems).toEqual([]);
    for (let index = 0; index < original.length; index += 3) {
      const changed = Buffer.from(original);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const verdict = verdictOf(changed);
      // White space is no part of what is signed here, and the last digits of base64 may be unused.
      if (verdict !== undefined && verdict.untrusted === undefined) {
        const parsed = parseState(changed, sha256);
        if (!parsed.ok) continue;
        for (const key of allKeys) expect(parsed.document.entries.get(key)).toEqual(parseOriginal().get(key));
      }
    }
  });
  const parseOriginal = () => documentOf(JSON.parse(text)).entries;

  test('by any protected header, and none makes us throw', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.base64String({ maxLength: 200 }), (header, signature) => {
        const value = {
          '#spec': 'pvs@2',
          protected: Buffer.from(header).toString('base64url'),
          signature: Buffer.from(signature, 'base64').toString('base64url'),
        };
        expect(verifyState(documentOf({ ...base, '_sigs/x.json': value }), strict).untrusted).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});

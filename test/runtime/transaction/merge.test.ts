import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addParts, type Parts, removePart, textOfParts } from '../../../runtime/transaction/merge.ts';
import { claimsOf } from '../../../runtime/transaction/signature-claims.ts';
import { defaultSignature, partsFrom, SPEC, signatureOf, signedApp, type Texts, unsignedApp } from './documents.ts';

const keysOf = (parts: Parts): string[] => [...parts.keys()].filter((key) => key !== '#spec').sort();
const state = (...texts: readonly Texts[]): Parts => partsFrom(Object.assign({}, SPEC, ...texts));

describe('a part that is removed', () => {
  it.each<[string, readonly Texts[], string, readonly string[]]>([
    [
      'takes everything that begins with its name',
      [unsignedApp('web'), unsignedApp('db')],
      'web',
      keysOf(state(unsignedApp('db'))),
    ],
    ['takes web2 with web, unless it is signed', [unsignedApp('web'), unsignedApp('web2')], 'web', []],
    [
      'takes its signature and what that claims',
      [signedApp('web'), unsignedApp('db')],
      'web',
      keysOf(state(unsignedApp('db'))),
    ],
    [
      'may be named by its signature',
      [signedApp('web'), unsignedApp('db')],
      '_sigs/web.json',
      keysOf(state(unsignedApp('db'))),
    ],
    [
      'may be named by its configuration, and goes with it',
      [signedApp('web'), unsignedApp('db')],
      '_config/web',
      keysOf(state({ 'web/run.json': '', ...unsignedApp('db') })).filter((key) => !key.startsWith('web')),
    ],
    ['may be a single file', [unsignedApp('web')], 'web/run.json', ['web/root.squashfs']],
    ['that is not there changes nothing', [unsignedApp('web')], 'nothing', keysOf(state(unsignedApp('web')))],
    [
      'leaves what another signature claims as well',
      [signedApp('web'), { '_sigs/all.json': signatureOf(['web/run.json', 'db/**']), 'db/run.json': '{}' }],
      '_sigs/web.json',
      ['_sigs/all.json', 'db/run.json', 'web/run.json'],
    ],
    [
      'leaves nothing that only its own two patterns claim, nor a signature that does not name itself',
      [{ 'web/a': '1', '_sigs/web.json': signatureOf(['web/**', 'web/a']) }],
      'web',
      [],
    ],
    ['is not the #spec', [unsignedApp('web')], '#spec', keysOf(state(unsignedApp('web')))],
  ])('%s', (_, texts, part, left) => {
    expect(keysOf(removePart(state(...texts), part))).toEqual(left);
  });
});

describe('parts that are added', () => {
  it('take the place of a signed app: nothing of the old one stays', () => {
    const old = { ...signedApp('web'), 'web/gone.json': '{}', '_config/web/gone': '{}' };
    expect(addParts(state(old, unsignedApp('db')), state(signedApp('web', '2')))).toEqual(
      state(unsignedApp('db'), signedApp('web', '2')),
    );
  });

  it('replace only their own keys in an app that nobody signed', () => {
    const before = state(unsignedApp('web'), { 'web/extra': '"x"' });
    expect(addParts(before, state({ 'web/run.json': '{"new":1}' }))).toEqual(
      state(unsignedApp('web'), { 'web/extra': '"x"', 'web/run.json': '{"new":1}' }),
    );
  });

  it('come in although their key is claimed twice; every key once', () => {
    const both = { '_sigs/a.json': signatureOf(['shared/**']), '_sigs/b.json': signatureOf(['shared/**']) };
    const after = addParts(state(both, { 'shared/x': '1' }), state({ 'shared/x': '2' }));
    expect(after).toEqual(state(both, { 'shared/x': '2' }));
    expect(textOfParts(after).match(/shared\/x/g)).toHaveLength(1);
  });

  it('evict what two signatures claimed when both are replaced', () => {
    const both = { '_sigs/a.json': signatureOf(['shared/**']), '_sigs/b.json': signatureOf(['shared/**']) };
    expect(keysOf(addParts(state(both, { 'shared/old': '1' }), state(both)))).toEqual(['_sigs/a.json', '_sigs/b.json']);
  });

  it('keep every key, also one that comes first and is no #spec', () => {
    expect(keysOf(addParts(state(), partsFrom({ 'a/b': '1' })))).toEqual(['a/b']);
  });

  it('keep the characters of their values', () => {
    const text = '{ "b" : 1.0, "a":"\\u00e9" }';
    expect(textOfParts(addParts(state(), partsFrom({ 'a/run.json': text })))).toBe(
      `{"#spec":"pantavisor-service-system@1","a/run.json":${text}}`,
    );
  });

  it('are many, and it takes no time to speak of', () => {
    const large = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`app${at}/run.json`, '{}']));
    const signatures = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`_sigs/app${at}.json`, defaultSignature(`app${at}`)]),
    );
    const before = performance.now();
    expect(addParts(state(large, signatures), state(large, signatures)).size).toBe(20_201);
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe('claims', () => {
  it.each<[string, string, readonly string[]]>([
    ['patterns up to their first asterisk', signatureOf(['a/**', 'b/*/c', 'd'], ['e*']), ['a/', 'b/', 'd', 'e']],
    ['everything', signatureOf(['**']), ['']],
    ['nothing, if it is no signature', '{"#spec":"pvs@1","protected":"e30","signature":"x"}', []],
    ['nothing, if its header is no JSON', '{"#spec":"pvs@2","protected":"AAAA","signature":"x"}', []],
    ['nothing, if its header has no patterns', '{"#spec":"pvs@2","protected":"e30","signature":"x"}', []],
    ['nothing, if it is an object of the store', `"${'a'.repeat(64)}"`, []],
    [
      'nothing, if the patterns are no texts',
      JSON.stringify({
        '#spec': 'pvs@2',
        signature: '',
        protected: Buffer.from('{"pvs":{"include":[1]}}').toString('base64url'),
      }),
      [],
    ],
  ])('%s', (_, text, claims) => {
    expect(claimsOf(text)).toEqual(claims);
  });
});

/** Names of which none begins with another, as a device's are: else `remove web` takes web2, on purpose. */
const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];
const SIGNED = ['alpha', 'bravo'];
const anApp = fc.record({ name: fc.constantFrom(...NAMES), version: fc.constantFrom('1', '2', '3') });
const textsOf = ({ name, version }: { name: string; version: string }): Texts =>
  SIGNED.includes(name) ? signedApp(name, version) : unsignedApp(name, version);
const aDevice = fc.uniqueArray(anApp, { selector: ({ name }) => name, minLength: 1 });

describe('whatever the device', () => {
  it('an app that is removed and added again gives the same document', () => {
    fc.assert(
      fc.property(aDevice, fc.nat(), (apps, at) => {
        const app = apps[at % apps.length];
        if (app === undefined) throw new Error('no app');
        const before = state(...apps.map(textsOf));
        const without = removePart(before, app.name);
        expect(keysOf(without)).toEqual(keysOf(state(...apps.filter((other) => other !== app).map(textsOf))));
        expect(textOfParts(addParts(without, state(textsOf(app))))).toBe(textOfParts(before));
      }),
    );
  });

  it('adding twice is adding once, and an app that is not named stays as it is', () => {
    fc.assert(
      fc.property(aDevice, anApp, (apps, app) => {
        const before = state(...apps.map(textsOf));
        const once = addParts(before, state(textsOf(app)));
        expect(textOfParts(addParts(once, state(textsOf(app))))).toBe(textOfParts(once));
        for (const other of apps.filter(({ name }) => name !== app.name))
          for (const [key, text] of Object.entries(textsOf(other))) expect(once.get(key)).toBe(text);
      }),
    );
  });

  it('what another signature claims stays, whichever app goes', () => {
    fc.assert(
      fc.property(aDevice, fc.constantFrom(...NAMES), (apps, protectedApp) => {
        const guard = { '_sigs/zulu.json': signatureOf([`${protectedApp}/**`]), [`${protectedApp}/kept`]: '1' };
        const signed = apps.filter(({ name }) => name !== protectedApp);
        const before = state(...signed.map(textsOf), signedApp(protectedApp), guard);
        const after = removePart(before, `_sigs/${protectedApp}.json`);
        expect(after.get(`${protectedApp}/kept`)).toBe('1');
        expect(after.has(`_sigs/${protectedApp}.json`)).toBe(false);
      }),
    );
  });
});

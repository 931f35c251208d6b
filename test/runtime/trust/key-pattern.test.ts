import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matcherOf } from '../../../runtime/trust/key-pattern.ts';

test.each([
  ['web/**', 'web/run.json', true],
  ['web/**', 'web', true],
  ['web/**', 'web/a/b/c', true],
  ['web/**', 'webx/run.json', false],
  ['web/*', 'web/run.json', true],
  ['web/*', 'web/a/b', false],
  ['web/*', 'web/.hidden', true],
  ['w?b/**', 'web/a', true],
  ['w?b/**', 'w/b/a', false],
  ['*/run.json', 'web/run.json', true],
  ['*/run.json', 'a/b/run.json', false],
  ['_config/*/**', '_config/web/etc/x', true],
  ['**', 'web/run.json', false],
  ['**', '', false],
  ['a**b', 'axxb', true],
  ['a**b', 'ax/xb', false],
  ['**/run.json', 'web/run.json', true],
  ['**/run.json', 'a/web/run.json', false],
  ['[ab]/x', 'a/x', true],
  ['[!ab]/x', 'a/x', false],
  ['[!ab]/x', 'c/x', true],
  ['[a/x', '[a/x', true],
  ['web[/]x', 'web/x', false],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['#spec', '#spec', true],
  ['(a|b).json', 'a.json', false],
  ['my-app/**', 'my-app/run.json', true],
  ['', 'a', false],
])('%s and %s: %s', (pattern, key, expected) => {
  expect(matcherOf(pattern)(key)).toBe(expected);
});

test('a pattern without wildcards is a name', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }), (name, other) => {
      if (/[*?[\\\]]/.test(name)) return;
      expect(matcherOf(name)(name)).toBe(true);
      if (other !== name) expect(matcherOf(name)(other)).toBe(false);
    }),
  );
});

test('whatever is between brackets and stars ends, and matches no more than one segment', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (text) => {
      let matches: (key: string) => boolean;
      try {
        matches = matcherOf(`a${text.replaceAll('/', '')}z`);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        return;
      }
      expect(matches('a/z')).toBe(false);
    }),
  );
});

/** The plain way, which tries every length of every star. */
const matchesPlainly = (pattern: string, key: string): boolean => {
  if (pattern === '') return key === '';
  if (pattern[0] === '*') {
    if (matchesPlainly(pattern.slice(1), key)) return true;
    return key !== '' && key[0] !== '/' && matchesPlainly(pattern, key.slice(1));
  }
  if (key === '' || (pattern[0] === '?' ? key[0] === '/' : pattern[0] !== key[0])) return false;
  return matchesPlainly(pattern.slice(1), key.slice(1));
};

test('stars and question marks match what the plain way matches', () => {
  const text = (letters: string) =>
    fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((characters) => characters.join(''));
  fc.assert(
    fc.property(text('ab/*?'), text('ab/'), (pattern, key) => {
      if (pattern === '**' || pattern.endsWith('/**')) return;
      expect(matcherOf(pattern)(key)).toBe(matchesPlainly(pattern, key));
    }),
    { numRuns: 20_000 },
  );
});

test('many stars take no more time than few', () => {
  // By trying every length of every star, this would not end within a life time.
  const key = 'a'.repeat(255);
  expect(matcherOf(`${'*a'.repeat(400)}b`)(key)).toBe(false);
  expect(matcherOf(`${'*a'.repeat(255)}`)(key)).toBe(true);
  expect(matcherOf(`${'*a*/'.repeat(30)}b/**`)('aaaaaaa/'.repeat(100))).toBe(false);
});

test('one that is too long is refused', () => {
  expect(() => matcherOf('a'.repeat(2000))).toThrow(/2000 characters, expected at most 1024/);
});

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

test('one that is too long is refused', () => {
  expect(() => matcherOf('a'.repeat(2000))).toThrow(/2000 characters, expected at most 1024/);
});

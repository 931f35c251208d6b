import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../resources/state-format/canonical-json.ts';

test.each([
  ['keys are sorted at every depth', { b: [{ d: 1, c: 2 }], a: null }, '{"a":null,"b":[{"c":2,"d":1}]}'],
  ['keys are sorted by code point, not by UTF-16 unit', { '\u{10000}': 1, '\uffff': 2 }, '{"\uffff":2,"\u{10000}":1}'],
  ['whole numbers are written in full', [1e21, -0, 2.0, -7], '[1000000000000000000000,0,2,-7]'],
  ['other numbers have one digit, a fraction and an exponent', [2.5, 0.1, -12.25], '[2.5E0,1.0E-1,-1.225E1]'],
  ['nothing is escaped that need not be', 'é/<>"\\\u001f\n', '"é/<>\\"\\\\\\u001F\\n"'],
  ['a backslash before u is no escape', '\\u00ab', '"\\\\u00ab"'],
])('%s', (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test('a value survives, whatever its keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

import { expect, test } from 'vitest';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { splitState } from '../../../resources/state-format/state-text.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const messages = (text: string | Uint8Array, limits = {}): readonly string[] =>
  splitState(typeof text === 'string' ? bytes(text) : text, { ...STATE_LIMITS, ...limits }).problems.map(
    ({ message }) => message,
  );

test('entries keep the very text of their values', () => {
  const { entries, problems } = splitState(bytes('{ "b" : { "x": [1,\n 2] } ,\t"a":"\\u0041" }'), STATE_LIMITS);
  expect(problems).toEqual([]);
  expect(entries).toEqual([
    { key: 'b', text: '{ "x": [1,\n 2] }' },
    { key: 'a', text: '"\\u0041"' },
  ]);
});

test.each([
  ['an empty file', '', 'line 1, column 1 is the end of the document, expected a JSON object: {'],
  ['a list', '[]', 'line 1, column 1 is "[]", expected a JSON object: {'],
  ['a truncated object', '{"a":1,', 'line 1, column 8 is the end of the document, expected a key in double quotes'],
  ['a truncated string', '{"a":"x', 'line 1, column 8 is the end of the document, expected a closing quote'],
  ['a trailing comma', '{"a":1,}', 'line 1, column 8 is "}", expected a key in double quotes'],
  ['a bare word', '{"a": yes}', 'line 1, column 7 is "yes}", expected a JSON value'],
  ['a leading zero', '{"a":\n 01}', 'line 2, column 3 is "1}", expected "," or "}"'],
  ['text after the end', '{}\n{}', 'line 2, column 1 is "{}", expected the end of the document'],
  ['an unknown escape', '{"a":"\\x"}', 'line 1, column 8 is "x\\"}", expected an escape of JSON after "\\"'],
  ['a NUL', '{"a":"\0"}', 'line 1, column 7 is "\\u0000\\"}", expected no control characters in a string'],
  ['a byte order mark', '\ufeff{}', 'line 1, column 1 is "\ufeff{}", expected a JSON object: {'],
])('%s is refused with its place', (_, text, message) => {
  expect(messages(text)).toEqual([message]);
});

test.each([
  ['an invalid byte', [0x7b, 0x0a, 0x22, 0xff, 0x22], 'line 2, column 2 is the bytes ff 22, expected UTF-8 text'],
  ['a character cut off at the end', [0x7b, 0xc3], 'line 1, column 2 is cut off, expected UTF-8 text'],
  ['an encoded surrogate', [0xed, 0xa0, 0x80], 'line 1, column 1 is the bytes ed a0 80, expected UTF-8 text'],
])('%s is refused with its place', (_, content, message) => {
  expect(messages(Uint8Array.from(content))).toEqual([message]);
});

test('every key that stands twice is named, at any depth and however it is escaped', () => {
  expect(messages('{"a":{"b":[{"c":1,"\\u0063":2}]},"d":1,"d":2}')).toEqual([
    'a.b[0].c is there twice, expected each key once',
    'd is there twice, expected each key once',
  ]);
});

test('__proto__ is a key like any other', () => {
  const { entries } = splitState(bytes('{"__proto__":1,"constructor":2}'), STATE_LIMITS);
  expect(entries.map(({ key }) => key)).toEqual(['__proto__', 'constructor']);
});

test.each([
  ['size', '{"a":1}', { documentBytes: 6 }, 'the document is 7 bytes long, expected at most 6 bytes'],
  ['keys', '{"a":1,"b":2}', { keys: 1 }, 'line 1, column 12 is "2}", expected at most 1 keys'],
  ['nesting', '{"a":[{}]}', { nesting: 2 }, 'line 1, column 7 is "{}]}", expected at most 2 levels of nesting'],
  ['values', '{"a":[1,2]}', { values: 2 }, 'line 1, column 9 is "2]}", expected at most 2 values in the document'],
])('the limit of %s holds', (_, text, limits, message) => {
  expect(messages(text, limits)).toEqual([message]);
  const wider = Object.fromEntries(Object.entries(limits).map(([key, value]) => [key, value + 1]));
  expect(messages(text, wider)).toEqual([]);
});

test('a document nested a million times deep is refused, not a stack overflow', () => {
  expect(messages(`{"a":${'['.repeat(1_000_000)}`)).toEqual([
    expect.stringContaining('expected at most 64 levels of nesting'),
  ]);
});

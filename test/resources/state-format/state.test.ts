import { expect, test } from 'vitest';
import { canonicalState, fileTextOf, parseState } from '../../../resources/state-format/state.ts';
import { aState, objectId, parsed, sha256 } from '../../state-builder.ts';

const SPEC = '"#spec":"pantavisor-service-system@1"';
const ID = 'a'.repeat(64);
const parse = (text: string) => parseState(new TextEncoder().encode(text), sha256);
const problemsOf = (text: string) => {
  const result = parse(text);
  return result.ok ? [] : result.problems;
};

test.each([
  ['a sha256 is an object', 'web/file', `"${ID}"`, { type: 'object', id: ID }],
  ['a sha256 under a .json key is an object', 'web/x.json', `"${ID}"`, { type: 'object', id: ID }],
  [
    'anything else under a .json key is inline',
    'web/x.json',
    '[1, 2]',
    { type: 'json', text: '[1, 2]', value: [1, 2] },
  ],
  ['a string under a .json key is inline', 'x.json', '"text"', { type: 'json', text: '"text"', value: 'text' }],
  ['a skipped key is never an object', 'web/src.json', `"${ID}"`, { type: 'json', text: `"${ID}"`, value: ID }],
  ['a signature is skipped whatever its name', '_sigs/web', '{}', { type: 'json', text: '{}', value: {} }],
])('%s', (_, key, text, entry) => {
  const result = parse(`{${SPEC},"${key}":${text}}`);
  expect(result.ok && result.document.entries.get(key)).toEqual(entry);
});

test.each([
  ['text under another key', 'README.md', '"hello"', '"hello"'],
  ['upper-case hex', 'web/file', `"${'A'.repeat(64)}"`, `"${'A'.repeat(58)}…`],
  ['upper-case hex under a .json key', 'web/x.json', `"${'A'.repeat(64)}"`, `"${'A'.repeat(58)}…`],
  ['JSON under another key', 'web/file', '{"a":1}', '{"a":1}'],
  ['null', 'web/file', 'null', 'null'],
])('%s is no object id', (_, key, text, value) => {
  expect(problemsOf(`{${SPEC},"${key}":${text}}`)).toEqual([
    expect.objectContaining({ path: key, value, expected: 'the sha256 of an object: 64 lower-case hex digits' }),
  ]);
});

const UNSAFE = 'a relative path without "..", ".", empty segments, backslashes and control characters';
const OWN = 'a path outside the directories .pvr and .pv of the revision';
test.each([
  ['', UNSAFE],
  ['/etc/passwd', UNSAFE],
  ['../x', UNSAFE],
  ['web/../x', UNSAFE],
  ['web/..', UNSAFE],
  ['web/./x', UNSAFE],
  ['web//x', UNSAFE],
  ['web/', UNSAFE],
  ['web\\\\x', UNSAFE],
  ['web/\\u0000', UNSAFE],
  ['web/\\u001b[2J', UNSAFE],
  ['web/\\u2028/../x', UNSAFE],
  ['web/\\ud800', UNSAFE],
  ['.pvr/json', OWN],
  ['.pv/progress', OWN],
  ['a/'.repeat(32).concat('b'), 'a path of at most 32 segments'],
  ['a'.repeat(256), 'path segments of at most 255 bytes'],
  ['é'.repeat(128), 'path segments of at most 255 bytes'],
  [`${'a'.repeat(200)}/`.repeat(6).concat('b'), 'a path of at most 1024 bytes'],
])('the key %j is refused', (key, expected) => {
  expect(problemsOf(`{${SPEC},"${key}":"${ID}"}`)).toEqual([expect.objectContaining({ expected })]);
});

test.each(['...', 'web/.hidden', 'a b/ü', '__proto__', 'constructor', 'web/..x', 'é'.repeat(127)])(
  'the key %j is fine',
  (key) => {
    const result = parse(`{${SPEC},"${key}":"${ID}"}`);
    expect(result.ok && result.document.entries.get(key)).toEqual({ type: 'object', id: ID });
  },
);

test('a path cannot be a file and a directory at once', () => {
  expect(problemsOf(`{${SPEC},"web/etc":"${ID}","web/etc/passwd":"${ID}"}`).map(({ message }) => message)).toEqual([
    'web/etc is a file, expected a directory, because web/etc/passwd lies in it',
  ]);
});

test.each([
  ['{}', 'nothing'],
  ['{"#spec":"other@1"}', '"other@1"'],
  ['{"#spec":"pantavisor-multi-platform@1"}', '"pantavisor-multi-platform@1"'],
])('%s has not the right #spec', (text, value) => {
  expect(problemsOf(text)).toEqual([
    expect.objectContaining({ path: '#spec', value, expected: '"pantavisor-service-system@1"' }),
  ]);
});

test('all problems of a document are reported at once', () => {
  expect(problemsOf('{"#spec":1,"../a":1,"b":2,"b":3}').map(({ path }) => path)).toEqual([
    'b',
    '../a',
    'b',
    'b',
    '#spec',
  ]);
});

test('the hash is that of the canonical text: blanks and order do not matter', () => {
  const state = aState().container('web').with('note.json', { b: 1.5, a: '__proto__' });
  const pretty = JSON.stringify(Object.fromEntries(Object.entries(state.toValue()).reverse()), null, 3);
  const document = parsed(state);
  expect(canonicalState(document.entries)).toBe(state.toText());
  expect(document.hash).toBe(sha256(state.toText()));
  expect(parse(pretty)).toMatchObject({ ok: true, document: { hash: document.hash, text: pretty } });
});

test('inline JSON is installed verbatim, a string without its quotes', () => {
  const { entries } = parsed(
    aState()
      .with('a.json', 'x\\y')
      .with('b.json', { c: objectId('c') }),
  );
  const text = (key: string): string | undefined => {
    const entry = entries.get(key);
    return entry?.type === 'json' ? fileTextOf(entry) : undefined;
  };
  expect([text('a.json'), text('b.json')]).toEqual(['x\\\\y', `{"c":"${objectId('c')}"}`]);
});

import { describe, expect, it } from 'vitest';
import { patchIn, patchState } from '../../../runtime/push/state-patch.ts';

const DOCUMENT =
  '{ "#spec": "pantavisor-service-system@1",\n "b.json": {"n": 1.0, "big": 12345678901234567890},\n "a.json": {"x": [1, 2]} }';

const patched = (patch: readonly object[], document = DOCUMENT) => {
  const operations = patchIn(JSON.stringify(patch));
  if (typeof operations === 'string') throw new Error(operations);
  return patchState(Buffer.from(document), operations);
};
const textOf = (result: ReturnType<typeof patched>): string =>
  result.is === 'patched' ? result.document.toString() : `${result.is}: ${result.message}`;

describe('a patch of a state', () => {
  it('leaves the very text of what it does not change', () => {
    expect(textOf(patched([{ op: 'add', path: '/a.json/x/-', value: 3 }]))).toBe(
      '{"#spec":"pantavisor-service-system@1","a.json":{"x":[1,2,3]},"b.json":{"n": 1.0, "big": 12345678901234567890}}',
    );
  });

  it('has keys with slashes as RFC 6901 writes them', () => {
    const result = patched([{ op: 'add', path: '/web~1run.json', value: { name: 'web' } }]);
    expect(textOf(result)).toContain('"web/run.json":{"name":"web"}');
  });

  it.each([
    [{ op: 'test', path: '/a.json/x/0', value: 2 }, 'conflict: operation 0: test of /a.json/x/0 does not hold'],
    [{ op: 'remove', path: '/none' }, 'conflict: operation 0: remove of /none: operation path unresolvable'],
    [{ op: 'replace', path: '/a.json/y/z', value: 1 }, /^conflict: operation 0: replace of \/a\.json\/y\/z: /],
    [{ op: 'move', from: '/a.json', path: '/a.json/x' }, /^conflict: operation 0: move of \/a\.json\/x: /],
    [{ op: 'add', path: '/__proto__/x', value: 1 }, /^conflict: /],
    [{ op: 'replace', path: '', value: [] }, 'malformed: the document would be no object any more'],
    [{ op: 'replace', path: '', value: {} }, '{}'],
  ])('with %j comes to: %s', (operation, expected) => {
    const text = textOf(patched([operation]));
    if (typeof expected === 'string') expect(text).toBe(expected);
    else expect(text).toMatch(expected);
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it('changes nothing unless all of it can be done', () => {
    const result = patched([
      { op: 'remove', path: '/b.json' },
      { op: 'test', path: '/a.json/x', value: [] },
    ]);
    expect(textOf(result)).toBe('conflict: operation 1: test of /a.json/x does not hold');
  });

  it('cannot make a document grow without end', () => {
    const seed = { op: 'add', path: '/a.json', value: ['x'.repeat(1000)] };
    const copies = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a.json', path: '/a.json/-' }));
    expect(textOf(patched([seed, ...copies]))).toMatch(
      /^malformed: operation \d+: the document grows beyond 8388608 bytes$/,
    );
  });

  it.each([
    ['{', 'expected JSON: '],
    ['{}', 'expected a list of operations'],
    ['[1]', 'operation 0: expected an object'],
    ['[{"op":"_get","path":"/a"}]', 'operation 0: expected op to be one of add, remove'],
    ['[{"op":"add","path":"a","value":1}]', 'operation 0: expected path to be a JSON pointer'],
    ['[{"op":"copy","path":"/a"}]', 'operation 0: expected from to be a JSON pointer'],
    ['[{"op":"test","path":"/a"}]', 'operation 0: expected a value'],
    [
      JSON.stringify(Array(1001).fill({ op: 'remove', path: '/a' })),
      'expected at most 1000 operations, but it has 1001',
    ],
  ])('is none: %s', (text, problem) => {
    expect(patchIn(text)).toContain(problem);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexKeys } from '../../../runtime/trust/key-index.ts';
import { matcherOf } from '../../../runtime/trust/key-pattern.ts';

const text = (letters: string) =>
  fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 }).map((characters) => characters.join(''));

test('finds every key that the pattern matches, and no other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text('ab/['), { maxLength: 30 }), text('ab/*?[]\\\\'), (keys, beginning) => {
      for (const pattern of [beginning, `${beginning}/**`]) {
        let matches: (key: string) => boolean;
        try {
          matches = matcherOf(pattern);
        } catch {
          continue; // refused, and that is tested elsewhere
        }
        const found = indexKeys(keys).matching(pattern);
        expect([...found].sort((a, b) => a - b)).toEqual(
          keys.flatMap((key, position) => (matches(key) ? [position] : [])),
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test.each(['web', 'web/run.json', 'web-more', 'w', ''])('"web/**" among keys with "%s"', (key) => {
  expect(indexKeys(['a', key, 'z']).matching('web/**')).toEqual(/^web(\/|$)/.test(key) ? [1] : []);
});

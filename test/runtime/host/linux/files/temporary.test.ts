import { expect, test } from 'vitest';
import { isTemporary, temporaryFor } from '../../../../../runtime/host/linux/files/temporary.ts';

test('a temporary lies beside what it is to become, and two are never the same', () => {
  const [first, second] = [temporaryFor('/a/b/name'), temporaryFor('/a/b/name')];
  expect(first).toMatch(/^\/a\/b\/\.name\.pvtmp-\d+-[0-9a-f]{8}$/);
  expect(second).not.toBe(first);
});

test.each(['x'.repeat(255), 'ü'.repeat(127), 'new\nline', '.hidden'])(
  '%j makes a name that the file system takes',
  (name) => {
    const temporary = temporaryFor(`/a/${name}`).slice('/a/'.length);
    expect(Buffer.byteLength(temporary)).toBeLessThanOrEqual(255);
    expect(isTemporary(temporary)).toBe(true);
  },
);

test.each(['name', '.name', '.name.pvtmp-', 'name.pvtmp-1-00000000', '.name.pvtmp-1-zzzzzzzz'])(
  '%j is not one',
  (name) => {
    expect(isTemporary(name)).toBe(false);
  },
);

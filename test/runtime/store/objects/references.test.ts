import { describe, expect, it } from 'vitest';
import { addReferences } from '../../../../runtime/store/objects/references.ts';

const BORDER = 256 * 1024;
const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);

const referencesIn = async (text: string): Promise<readonly string[]> => {
  const references = new Set<string>();
  await addReferences(Buffer.from(text), references);
  return [...references];
};
/** With the first character of an id at this place, and no other one anywhere. */
const withIdAt = (start: number, id = ID): string => `${'-'.repeat(start)}${id}-`;

describe('ids in a document', () => {
  it('are found wherever they are, each once', async () => {
    expect(await referencesIn(`{"a":"${ID}","b":{"c":"${OTHER}"},"d":"${ID}"}`)).toEqual([ID, OTHER]);
    expect(await referencesIn('')).toEqual([]);
  });

  // A collection deletes what no document names: one that is overlooked costs an object that is needed.
  it.each([-64, -63, -33, -32, -1, 0, 1])('are found %i bytes from where a piece ends', async (offset) => {
    expect(await referencesIn(withIdAt(BORDER + offset))).toEqual([ID]);
    expect(await referencesIn(withIdAt(2 * BORDER + offset))).toEqual([ID]);
  });

  it('are found on both sides of the border of two pieces', async () => {
    expect(await referencesIn(`${withIdAt(BORDER - 65)}${'-'.repeat(10)}${OTHER}`)).toEqual([ID, OTHER]);
  });

  it('are lower-case hexadecimal and whole', async () => {
    expect(await referencesIn(ID.slice(1))).toEqual([]);
    expect(await referencesIn(ID.toUpperCase())).toEqual([]);
  });

  it('are added to what was found before', async () => {
    const references = new Set([OTHER]);
    await addReferences(Buffer.from(ID), references);
    expect([...references]).toEqual([OTHER, ID]);
  });
});

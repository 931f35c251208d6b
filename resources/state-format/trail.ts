/** What a state document puts into its revision's directory, and whose it is. */
import { canonicalJson } from './canonical-json.ts';
import { fileTextOf, type StateDocument } from './state.ts';
import { isSkippedKey, ownerOf } from './state-key.ts';

export interface TrailObject {
  readonly path: string;
  /** sha256, and the name in the object store. */
  readonly id: string;
}

export interface InlineFile {
  readonly path: string;
  readonly text: string;
}

export const objectsOf = ({ entries }: StateDocument): readonly TrailObject[] =>
  [...entries].flatMap(([path, entry]) => (entry.type === 'object' ? [{ path, id: entry.id }] : []));

export const filesOf = ({ entries }: StateDocument): readonly InlineFile[] =>
  [...entries].flatMap(([path, entry]) =>
    entry.type === 'json' && path !== '#spec' && !isSkippedKey(path) ? [{ path, text: fileTextOf(entry) }] : [],
  );

/**
 * By owner, one text over all its installed entries, in canonical JSON: it depends neither on the order of the document
 * nor on blanks and the order of keys in its manifests. Equal texts: the container need not be touched.
 */
export const definitionsOf = ({ entries }: StateDocument): ReadonlyMap<string, string> => {
  const owned = new Map<string, (readonly [string, string])[]>();
  for (const [key, entry] of entries) {
    const owner = isSkippedKey(key) ? undefined : ownerOf(key);
    if (owner === undefined) continue;
    const list = owned.get(owner) ?? [];
    list.push([key, entry.type === 'object' ? entry.id : canonicalJson(entry.value)]);
    owned.set(owner, list);
  }
  return new Map([...owned].map(([owner, list]) => [owner, JSON.stringify(list.sort(([a], [b]) => (a < b ? -1 : 1)))]));
};

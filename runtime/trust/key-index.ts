/**
 * The keys of a document, by pattern. A state of many containers has a signature for each of them: to compare every key with
 * every pattern takes time that grows with the square of the state, so only keys with the pattern's beginning are compared.
 */
import { literalPrefixOf, matcherOf } from './key-pattern.ts';

export interface KeyIndex {
  /** Positions in the document, in no particular order. @throws as `matcherOf` does */
  matching(pattern: string): readonly number[];
}

export const indexKeys = (keys: readonly string[]): KeyIndex => {
  const sorted = keys.map((key, position) => ({ key, position })).sort((a, b) => (a.key < b.key ? -1 : 1));
  /** The first place in `sorted` whose key is not before `prefix`. */
  const startOf = (prefix: string): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle]?.key ?? '') < prefix) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    matching: (pattern) => {
      const [prefix, matches] = [literalPrefixOf(pattern), matcherOf(pattern)];
      const found: number[] = [];
      for (let at = startOf(prefix); at < sorted.length; at += 1) {
        const entry = sorted[at];
        if (!entry?.key.startsWith(prefix)) break;
        if (matches(entry.key)) found.push(entry.position);
      }
      return found;
    },
  };
};

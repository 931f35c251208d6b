/** Edit distance between two words, and the word that a mistyped one was probably meant to be. */

const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
};

/** The closest of `words`, unless even that one is too far off to be what was meant. */
export const nearest = (word: string, words: readonly string[]): string | undefined => {
  if (word.length > 100) return undefined; // the distance is quadratic in the length, and no key is that long
  const ranked = words.map((candidate) => ({ candidate, edits: distance(word, candidate) }));
  const best = ranked.reduce<{ candidate: string; edits: number } | undefined>(
    (winner, entry) => (winner === undefined || entry.edits < winner.edits ? entry : winner),
    undefined,
  );
  return best !== undefined && best.edits <= Math.max(2, word.length / 4) ? best.candidate : undefined;
};

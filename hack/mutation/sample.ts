/** Which lines are mutated when not all are: windows of a few lines, chosen by a seed, the same for the same code. */

export interface SourceFile {
  readonly path: string;
  readonly lines: number;
}

const WINDOW_LINES = 12;

/** mulberry32: a good spread from any seed, in a few lines. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const windowsOf = ({ path, lines }: SourceFile): readonly string[] => {
  const starts = Array.from({ length: Math.ceil(lines / WINDOW_LINES) }, (_, index) => index * WINDOW_LINES + 1);
  return starts.map((start) => `${path}:${start}-${Math.min(start + WINDOW_LINES - 1, lines)}`);
};

/** @returns `path:from-to`, about `lines` lines of them, in the order of the files. */
export const sampleOf = (files: readonly SourceFile[], lines: number, seed: number): readonly string[] => {
  const windows = files.flatMap(windowsOf);
  const random = randomFrom(seed);
  const ranked = windows.map((window) => ({ window, rank: random() })).sort((a, b) => a.rank - b.rank);
  const chosen = new Set(ranked.slice(0, Math.ceil(lines / WINDOW_LINES)).map(({ window }) => window));
  return windows.filter((window) => chosen.has(window));
};

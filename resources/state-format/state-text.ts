/**
 * Splits the bytes of a state document into its top-level entries, each with the exact text of its value: inline
 * JSON is written to the trail verbatim, and hashes and signatures are over these very characters.
 */
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts';
import { type Problem, pathOf, problemWith } from './problem.ts';
import type { StateLimits } from './state-limits.ts';

export interface RawEntry {
  readonly key: string;
  /** The value as it stands in the document. */
  readonly text: string;
}

/** On problems the entries are those that could be read, so that the rest can be checked at once too. */
export interface SplitState {
  readonly text: string;
  readonly entries: readonly RawEntry[];
  readonly problems: readonly Problem[];
  /** The text was read to its end. */
  readonly isComplete: boolean;
}

const refused = (problem: Problem): SplitState => ({ text: '', entries: [], problems: [problem], isComplete: false });

export const splitState = (bytes: Uint8Array, limits: StateLimits): SplitState => {
  if (bytes.length > limits.documentBytes) {
    return refused(problemWith('the document', `${bytes.length} bytes long`, `at most ${limits.documentBytes} bytes`));
  }
  try {
    // A byte order mark is kept, and then refused like any other character before the opening brace.
    return splitText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), limits);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refused(invalidUtf8(bytes));
  }
};

const splitText = (text: string, limits: StateLimits): SplitState => {
  const scanner = new JsonScanner(text, limits);
  const entries: RawEntry[] = [];
  const problems: Problem[] = [];
  let isComplete = true;
  try {
    scanner.document((key, start, end) => {
      if (entries.length === limits.keys) throw new JsonSyntaxError(start, `at most ${limits.keys} keys`);
      entries.push({ key, text: text.slice(start, end) });
    });
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    problems.push(syntaxProblem(text, error));
    isComplete = false;
  }
  for (const [key, ...rest] of scanner.duplicates) {
    problems.push(problemWith(pathOf(String(key), rest), 'there twice', 'each key once'));
  }
  return { text, entries, problems, isComplete };
};

const syntaxProblem = (text: string, { offset, expected }: JsonSyntaxError): Problem => {
  const found = text.slice(offset, offset + 20);
  return problemWith(
    positionOf(text, offset),
    found === '' ? 'the end of the document' : JSON.stringify(found),
    expected,
  );
};

const positionOf = (text: string, offset: number): string => {
  const lines = text.slice(0, offset).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
};

const invalidUtf8 = (bytes: Uint8Array): Problem => {
  const valid = validPrefix(bytes);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, valid), { stream: true });
  // The prefix may end within the character that turns out wrong.
  const start = new TextEncoder().encode(text).length;
  const hex = [...bytes.subarray(start, start + 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const found = valid === bytes.length ? 'cut off' : `the bytes ${hex}`;
  return problemWith(positionOf(text, text.length), found, 'UTF-8 text');
};

/** Length of the longest prefix that is UTF-8, if perhaps cut within its last character; by bisection. */
const validPrefix = (bytes: Uint8Array): number => {
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8Prefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
};

const isUtf8Prefix = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
};

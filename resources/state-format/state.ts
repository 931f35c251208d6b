/**
 * A state document: one flat JSON object whose keys are paths in the revision's directory and whose values are
 * object ids or inline JSON.
 *
 * In come bytes that anybody may have written; out comes a document whose every key is a safe path, or the list of
 * everything that is wrong with it. Nothing here looks inside a manifest: compile.ts does that.
 */
import { canonicalJson, canonicalObject } from './canonical-json.ts';
import { capped, excerptOf, MAX_PROBLEMS, type Problem, pathOf, problemAt, problemWith } from './problem.ts';
import { isSkippedKey, keyFault } from './state-key.ts';
import { STATE_LIMITS, type StateLimits } from './state-limits.ts';
import { splitState } from './state-text.ts';

export const STATE_SPEC = 'pantavisor-service-system@1';
const LEGACY_SPEC = 'pantavisor-multi-platform@1';

export type Entry =
  /** `id`: sha256, 64 lower-case hex digits. */
  | { readonly type: 'object'; readonly id: string }
  /** `text`: the value exactly as the document has it. */
  | { readonly type: 'json'; readonly text: string; readonly value: unknown };

export interface StateDocument {
  /** The document as received. */
  readonly text: string;
  /** sha256 of its canonical JSON, in hex: equal for documents that differ in blanks and order only. */
  readonly hash: string;
  /** In document order, with `#spec` and the skipped keys. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Every directory that the installed entries need, without a slash at the end. */
  readonly directories: ReadonlySet<string>;
}

export type Parsed =
  | { readonly ok: true; readonly document: StateDocument; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** sha256 of the UTF-8 bytes of a text, in lower-case hex. Resources import no crypto, so the caller brings it. */
export type Sha256 = (text: string) => string;

export const parseState = (bytes: Uint8Array, sha256: Sha256, limits: StateLimits = STATE_LIMITS): Parsed => {
  const { document, problems } = readDocument(bytes, sha256, limits);
  return problems.length > 0 ? { ok: false, problems: capped(problems) } : { ok: true, document, warnings: [] };
};

export interface ReadDocument {
  /** Every key whose path is good; faulty values stand there as objects without id. */
  readonly document: StateDocument;
  readonly problems: readonly Problem[];
  /** The text was read to its end, so that what is missing is really missing. */
  readonly isComplete: boolean;
}

/** As `parseState`, but keeps what could be read, so that a caller can go on and report the rest too. */
export const readDocument = (bytes: Uint8Array, sha256: Sha256, limits: StateLimits): ReadDocument => {
  const { text, entries: raw, problems: syntax, isComplete } = splitState(bytes, limits);
  const problems = [...syntax];
  const entries = new Map<string, Entry>();
  for (const { key, text: value } of raw) {
    const fault = keyFault(key, limits);
    if (fault !== undefined) {
      problems.push(problemWith(pathOf(key.slice(0, limits.pathBytes)), excerptOf(key), fault));
      continue;
    }
    const entry = entryOf(key, value);
    if (entry === undefined) problems.push(valueProblem(key, value));
    entries.set(key, entry ?? { type: 'object', id: '' });
  }
  // A text that ends early lacks keys because it ends early.
  if (isComplete) problems.push(...specProblems(entries.get('#spec')));
  const keys = [...entries.keys()];
  const directories = directoriesOf(keys);
  problems.push(...fileProblems(keys, directories));
  const hash = problems.length > 0 ? '' : sha256(canonicalState(entries));
  return { document: { text, hash, entries, directories }, problems, isComplete };
};

/** The canonical text of the document, as pvr would write it. */
export const canonicalState = (entries: ReadonlyMap<string, Entry>): string =>
  canonicalObject(entries, (entry) => (entry.type === 'object' ? `"${entry.id}"` : canonicalJson(entry.value)));

/** What is written to the trail for inline JSON: the raw text, a string without its quotes. */
export const fileTextOf = (entry: Entry & { readonly type: 'json' }): string =>
  entry.text.startsWith('"') ? entry.text.slice(1, -1) : entry.text;

const ANY_CASE_ID = /^"[0-9a-fA-F]{64}"$/;
const ID = /^"[0-9a-f]{64}"$/;

/** undefined: neither the id of an object nor JSON where JSON may be. */
const entryOf = (key: string, text: string): Entry | undefined => {
  const isFreeForm = key === '#spec' || isSkippedKey(key);
  if (isFreeForm || (key.endsWith('.json') && !ANY_CASE_ID.test(text))) {
    return { type: 'json', text, value: JSON.parse(text) };
  }
  return ID.test(text) ? { type: 'object', id: text.slice(1, -1) } : undefined;
};

const valueProblem = (key: string, text: string): Problem => {
  const hint = key.endsWith('.json') ? '' : 'only keys that end in .json may hold JSON';
  return problemAt(pathOf(key), JSON.parse(text), 'the sha256 of an object: 64 lower-case hex digits', hint);
};

const specProblems = (entry: Entry | undefined): readonly Problem[] => {
  const spec = entry?.type === 'json' ? entry.value : undefined;
  if (spec === STATE_SPEC) return [];
  const hint = spec === LEGACY_SPEC ? 'containers of the legacy format cannot be started, write the state anew' : '';
  return [problemAt('#spec', spec, `"${STATE_SPEC}"`, hint)];
};

const directoriesOf = (keys: Iterable<string>): ReadonlySet<string> => {
  const directories = new Set<string>();
  for (const key of keys) {
    if (isSkippedKey(key)) continue;
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      const directory = key.slice(0, end);
      if (directories.has(directory)) break;
      directories.add(directory);
    }
  }
  return directories;
};

/** A path cannot be a file and a directory at once. */
const fileProblems = (keys: readonly string[], directories: ReadonlySet<string>): readonly Problem[] =>
  keys
    .filter((key) => directories.has(key))
    .slice(0, MAX_PROBLEMS)
    .map((key) => {
      const below = keys.find((other) => other.startsWith(`${key}/`));
      return problemWith(pathOf(key), 'a file', `a directory, because ${below} lies in it`);
    });

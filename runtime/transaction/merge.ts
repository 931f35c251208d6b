/**
 * How parts are put into a state document and taken out of it. Pure: texts in, texts out.
 *
 * A part is named by a beginning of keys, and takes with it what the signatures of that name claim. What other signatures
 * claim as well stays. Values are copied character by character, because signatures are over these very characters; the
 * result is in canonical order and without blanks between the values.
 */
import { canonicalObject } from '../../resources/state-format/canonical-json.ts';
import { STATE_SPEC } from '../../resources/state-format/state.ts';
import { claimsOf } from './signature-claims.ts';

/** Texts of values by key. */
export type Parts = ReadonlyMap<string, string>;

const SPEC = '#spec';
const SIGNATURES = '_sigs/';
/** They belong to the part whose name follows. */
const PREFIXES = [SIGNATURES, '_config/'];

const ownName = (part: string): string => {
  const prefix = PREFIXES.find((each) => part.startsWith(each));
  return prefix === undefined ? part : part.slice(prefix.length);
};

/** A document while parts are being removed: each signature's claims are read once, keys are found by their beginning. */
class Draft {
  readonly parts: Map<string, string>;
  readonly #sorted: readonly string[];
  readonly #claims: Map<string, readonly string[]>;

  constructor(parts: Parts) {
    this.parts = new Map(parts);
    this.#sorted = [...parts.keys()].filter((key) => key !== SPEC).sort(byCodeUnits);
    const signed = [...parts].filter(([key]) => key.startsWith(SIGNATURES));
    // A signature goes with what it is for: left alone, it would be wrong, and the daemon would refuse the state.
    this.#claims = new Map(signed.map(([key, text]) => [key, [key, ...claimsOf(text)]]));
  }

  /** Each as often as the part has patterns for it. */
  *#keysOf(part: string): Generator<string> {
    const name = `${SIGNATURES}${ownName(part)}`;
    const claimed = [...this.#claims].flatMap(([key, claims]) => (key.startsWith(name) ? claims : []));
    for (const pattern of [part, ...claimed]) yield* this.#beginningWith(pattern);
  }

  *#beginningWith(pattern: string): Generator<string> {
    for (let at = lowerBound(this.#sorted, pattern); at < this.#sorted.length; at += 1) {
      const key = this.#sorted[at] ?? '';
      if (!key.startsWith(pattern)) return;
      if (this.parts.has(key)) yield key;
    }
  }

  #claimsOn(key: string): number {
    let count = 0;
    for (const claims of this.#claims.values()) for (const claim of claims) if (key.startsWith(claim)) count += 1;
    return count;
  }

  remove(part: string): void {
    const counts = new Map<string, number>();
    for (const key of this.#keysOf(part)) counts.set(key, (counts.get(key) ?? 0) + 1);
    const removed = [...counts].filter(([key, count]) => this.#claimsOn(key) <= count);
    // Only now: a signature that goes protects to the last what others claim with it.
    for (const [key] of removed) {
      this.parts.delete(key);
      this.#claims.delete(key);
    }
  }
}

/** The order in which `startsWith` makes a range; Array.sort's own, said aloud. */
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Index of the first that is not before `text`. */
const lowerBound = (sorted: readonly string[], text: string): number => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The document without a part. Nothing of that name: the same keys. */
export const removePart = (current: Parts, part: string): Parts => {
  const draft = new Draft(current);
  draft.remove(part);
  return draft.parts;
};

/**
 * The document with the parts of another one in place of its own. Every key of `incoming` takes out what it is named
 * for, one after the other in canonical order; a signature that is gone by then protects nothing any more.
 */
export const addParts = (current: Parts, incoming: Parts): Parts => {
  const draft = new Draft(current);
  const keys = [...incoming.keys()].filter((key) => key !== SPEC).sort(byCodeUnits);
  for (const key of keys) draft.remove(key);
  for (const key of keys) draft.parts.set(key, incoming.get(key) ?? '');
  return draft.parts;
};

/** One line, as pvr writes it. */
export const textOfParts = (parts: Parts): string =>
  canonicalObject(new Map([...parts, [SPEC, JSON.stringify(STATE_SPEC)]]), (text) => text);

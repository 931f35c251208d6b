/**
 * Reads a manifest with its schema: what the schema refuses becomes problems with their full path; where the format
 * is lenient, a warning, and the value is replaced before it is read again. Schemas therefore stay strict, and are
 * what editors are shown.
 */
import type { z } from 'zod';
import { expectationOf } from '../kinds/expectation.ts';
import { MAX_PROBLEMS, type Problem, pathOf, problemAt, problemWith, type Report, type Segment } from './problem.ts';
import { unknownKeys } from './unknown-keys.ts';

/** Any one segment of a path. */
export const ANY = Symbol('any');
/** The key or element counts as absent. */
export const LEFT_OUT = Symbol('left out');
/** Lenient, but not with this value. */
export const REFUSED = Symbol('refused');

/** What is done with a value that the schema refuses. */
export interface Leniency {
  /** A fault at or below this place … */
  readonly at: readonly (Segment | typeof ANY)[];
  /** … replaces the value there. LEFT_OUT and REFUSED are possible answers. */
  readonly instead: (value: unknown) => unknown;
}

/** What is parsed, and where it stands in the document. */
export interface Place {
  readonly key: string;
  readonly segments: readonly Segment[];
  readonly value: unknown;
}

export const textOfPlace = ({ key, segments }: Place, ...below: Segment[]): string =>
  pathOf(key, [...segments, ...below]);

/**
 * undefined: refused, or left out as a whole; the report says why. A refused manifest whose faults can be left out is
 * returned without them, so that what depends on the rest is checked in the same go.
 */
export const readManifest = <T extends z.ZodType>(
  schema: T,
  place: Place,
  leniencies: readonly Leniency[],
  report: Report,
): z.output<T> | undefined => {
  report.warnings.push(...unknownIn(schema, place));
  const first = schema.safeParse(place.value, { error: expectationOf });
  if (first.success) return first.data;
  const { issues } = first.error;
  if (issues.length > MAX_PROBLEMS) {
    // Nobody meant that; and forgiving it piece by piece would take too long.
    report.problems.push(...repairOf(place, issues.slice(0, MAX_PROBLEMS + 1), NOT_LENIENT).problems);
    return undefined;
  }
  const { problems, warnings, replacements } = repairOf(place, issues, leniencies);
  report.warnings.push(...warnings);
  report.problems.push(...problems);
  const repaired = replacements.reduce(replaced, structuredClone(place.value));
  if (repaired === LEFT_OUT) return undefined;
  const value = withoutLeftOut(repaired);
  const second = schema.safeParse(value, { error: expectationOf });
  if (second.success) return second.data;
  // Leaving something out can uncover a fault, such as a required key that was null.
  if (problems.length === 0)
    report.problems.push(...repairOf({ ...place, value }, second.error.issues, NOT_LENIENT).problems);
  return undefined;
};

const unknownIn = (schema: z.ZodType, { key, segments, value }: Place): readonly Problem[] =>
  unknownKeys(schema, value)
    .slice(0, MAX_PROBLEMS)
    .map(({ at, nearest }) => {
      const hint = nearest === undefined ? 'nothing reads it' : `nothing reads it; did you mean "${nearest}"?`;
      return problemWith(pathOf(key, [...segments, ...at]), 'an unknown key', 'a key of this manifest', hint);
    });

/** Not even with null. */
const NOT_LENIENT = 'not lenient';

interface Replacement {
  readonly at: readonly Segment[];
  readonly value: unknown;
}

interface Repair {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly replacements: readonly Replacement[];
}

const repairOf = (
  place: Place,
  issues: readonly z.core.$ZodIssue[],
  leniencies: readonly Leniency[] | typeof NOT_LENIENT,
): Repair => {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const replacements = new Map<string, Replacement>();
  const seen = new Set<string>();
  for (const issue of issues) {
    const at = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));
    // Several rules about one value, such as whole and in range, expect the same.
    const identity = JSON.stringify([at, issue.message]);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const value = valueAt(place.value, at);
    const replacement = leniencies === NOT_LENIENT ? undefined : replacementFor(place.value, at, leniencies);
    const path = pathOf(place.key, [...place.segments, ...at]);
    if (replacement === undefined) problems.push(problemAt(path, value, issue.message));
    else warnings.push(problemAt(path, value, issue.message, consequenceOf(place, replacement)));
    const { at: replacedAt, value: by } = replacement ?? { at, value: LEFT_OUT };
    replacements.set(JSON.stringify(replacedAt), { at: replacedAt, value: by });
  }
  return { problems, warnings, replacements: [...replacements.values()] };
};

const consequenceOf = (place: Place, { at, value }: Replacement): string =>
  value === LEFT_OUT
    ? `${pathOf(place.key, [...place.segments, ...at])} is left out`
    : `${JSON.stringify(value)} is used instead`;

const replacementFor = (
  root: unknown,
  path: readonly Segment[],
  leniencies: readonly Leniency[],
): Replacement | undefined => {
  // null counts as absent everywhere: templates that print empty lists as null are common.
  if (path.length > 0 && typeof path.at(-1) === 'string' && valueAt(root, path) === null) {
    return { at: path, value: LEFT_OUT };
  }
  for (const { at, instead } of leniencies) {
    if (at.length > path.length || !at.every((segment, index) => segment === ANY || segment === path[index])) continue;
    const place = path.slice(0, at.length);
    const value = instead(valueAt(root, place));
    if (value !== REFUSED) return { at: place, value };
  }
  return undefined;
};

const valueAt = (root: unknown, path: readonly Segment[]): unknown =>
  path.reduce<unknown>((value, segment) => (isContainer(value) ? ownValue(value, segment) : undefined), root);

type Container = Record<Segment, unknown>;

// Arrays and objects are both indexed by segments here.
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

const ownValue = (value: Container, segment: Segment): unknown =>
  Object.hasOwn(value, segment) ? value[segment] : undefined;

const replaced = (root: unknown, { at, value }: Replacement): unknown => {
  const last = at.at(-1);
  if (last === undefined) return value;
  const parent = valueAt(root, at.slice(0, -1));
  // Defined, not assigned: `__proto__` is data. An ancestor may have been replaced already.
  if (isContainer(parent)) {
    Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  }
  return root;
};

const withoutLeftOut = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.filter((element) => element !== LEFT_OUT).map(withoutLeftOut);
  if (!isContainer(value)) return value;
  for (const key of Object.keys(value)) {
    if (value[key] === LEFT_OUT) delete value[key];
    else withoutLeftOutInside(value, key);
  }
  return value;
};

const withoutLeftOutInside = (parent: Container, key: string): void => {
  const value = withoutLeftOut(parent[key]);
  if (value !== parent[key]) {
    Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
  }
};

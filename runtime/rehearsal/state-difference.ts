/**
 * How two state documents differ: for machines as an RFC 6902 patch, for people key by key.
 *
 * Lists of things with names (groups, disks) are compared by name: a patch by position would tell of every later
 * element when one is put in.
 */
import { excerptOf } from '../../resources/state-format/problem.ts';
import type { Entry, StateDocument } from '../../resources/state-format/state.ts';
import { type Patch, patchOf } from '../store/trails/patch.ts';

export interface KeyChange {
  readonly key: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Objects: shortened ids. */
  readonly from?: string;
  readonly to?: string;
  /** Inline JSON that changed: what in it; empty: only its text. */
  readonly inside?: readonly InnerChange[];
}

export interface InnerChange {
  /** `storage.data.persistence`, `[base].timeout`. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Excerpts of JSON. */
  readonly from?: string;
  readonly to?: string;
}

export interface Difference {
  readonly keys: readonly KeyChange[];
  /** RFC 6902, from the one document to the other. */
  readonly patch: Patch;
}

type Document = Pick<StateDocument, 'entries'>;

const ID_LENGTH = 12;

export const differenceOf = (current: Document, next: Document): Difference => {
  const keys = [...new Set([...current.entries.keys(), ...next.entries.keys()])].sort();
  return {
    keys: keys.flatMap((key) => changeOf(key, current.entries.get(key), next.entries.get(key)) ?? []),
    patch: patchOf(current, next),
  };
};

const changeOf = (key: string, from: Entry | undefined, to: Entry | undefined): KeyChange | undefined => {
  if (from === undefined) return to && { key, change: 'added', ...shown('to', to) };
  if (to === undefined) return { key, change: 'removed', ...shown('from', from) };
  if (from.type === 'json' && to.type === 'json') {
    if (from.text === to.text) return undefined;
    return { key, change: 'changed', inside: innerChanges(from.value, to.value) };
  }
  if (from.type === 'object' && to.type === 'object' && from.id === to.id) return undefined;
  return { key, change: 'changed', ...shown('from', from), ...shown('to', to) };
};

const shown = (side: 'from' | 'to', entry: Entry): { from?: string; to?: string } => ({
  [side]: entry.type === 'object' ? `${entry.id.slice(0, ID_LENGTH)}…` : excerptOf(entry.value),
});

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** A member of an object, or an element of a list by its place or its name. */
const membersOf = (value: Json): ReadonlyMap<string, unknown> => {
  if (!Array.isArray(value)) return new Map(Object.entries(value).map(([name, member]) => [`.${name}`, member]));
  const names = value.map((element: unknown) => (isObject(element) ? element['name'] : undefined));
  const areNamed = names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
  return new Map(value.map((element: unknown, at) => [areNamed ? `[${names[at]}]` : `[${at}]`, element]));
};

const innerChanges = (from: unknown, to: unknown, path = ''): InnerChange[] => {
  if (!isObject(from) || !isObject(to) || Array.isArray(from) !== Array.isArray(to)) {
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return [{ path: nameOf(path), change: 'changed', from: excerptOf(from), to: excerptOf(to) }];
  }
  const [before, after] = [membersOf(from), membersOf(to)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((member): InnerChange[] => {
    const inner = `${path}${member}`;
    if (!before.has(member)) return [{ path: nameOf(inner), change: 'added', to: excerptOf(after.get(member)) }];
    if (!after.has(member)) return [{ path: nameOf(inner), change: 'removed', from: excerptOf(before.get(member)) }];
    return innerChanges(before.get(member), after.get(member), inner);
  });
};

const nameOf = (path: string): string => path.replace(/^\./, '');

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

const valuesOf = ({ from, to }: { readonly from?: string; readonly to?: string }): string =>
  from !== undefined && to !== undefined ? `${from} → ${to}` : (from ?? to ?? '');

/** One line per key, and one per change inside of inline JSON. */
export const differenceLines = ({ keys }: Pick<Difference, 'keys'>): readonly string[] =>
  keys.flatMap((key) => {
    const head = `${SIGNS[key.change]} ${key.key}`;
    if (key.inside === undefined) return [`${head}  ${valuesOf(key)}`.trimEnd()];
    if (key.inside.length === 0) return [`${head}  (only its text: order of members, blanks)`];
    const inside = key.inside.map(
      (inner) => `    ${SIGNS[inner.change]} ${inner.path === '' ? '(all of it)' : inner.path}: ${valuesOf(inner)}`,
    );
    return [head, ...inside];
  });

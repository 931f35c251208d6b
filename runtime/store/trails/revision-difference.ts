/** What makes one revision differ from another, for people and programs. It drives no decision. */
import type { StateDocument } from '../../../resources/state-format/state.ts';
import { definitionsOf } from '../../../resources/state-format/trail.ts';
import { type Patch, patchOf } from './patch.ts';

export interface Change<T> {
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before?: T;
  readonly after?: T;
}

export interface ObjectSide {
  readonly id: string;
  /** undefined: the store has not got it. */
  readonly sizeBytes?: number;
}

export interface Difference {
  readonly containers: readonly Change<never>[];
  /** By path. */
  readonly objects: readonly Change<ObjectSide>[];
  /** RFC 6902: from the one document's JSON to the other's. */
  readonly patch: Patch;
  /** Bytes of objects that only one side has. */
  readonly addedBytes: number;
  readonly removedBytes: number;
}

type SizeOf = (id: string) => number | undefined;

export const differenceOf = (before: StateDocument, after: StateDocument, sizeOf: SizeOf): Difference => {
  const [old, fresh] = [objectsIn(before, sizeOf), objectsIn(after, sizeOf)];
  return {
    containers: changesOf(containersIn(before), containersIn(after), (a, b) => a === b).map(({ name, change }) => ({
      name,
      change,
    })),
    objects: changesOf(old, fresh, (a, b) => a.id === b.id),
    patch: patchOf(before, after),
    addedBytes: bytesOnlyIn(fresh, old),
    removedBytes: bytesOnlyIn(old, fresh),
  };
};

const objectsIn = ({ entries }: StateDocument, sizeOf: SizeOf): ReadonlyMap<string, ObjectSide> => {
  const found = new Map<string, ObjectSide>();
  for (const [path, entry] of entries) {
    if (entry.type !== 'object') continue;
    const sizeBytes = sizeOf(entry.id);
    found.set(path, { id: entry.id, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
  }
  return found;
};

const containersIn = (document: StateDocument): ReadonlyMap<string, string> =>
  new Map([...definitionsOf(document)].filter(([name]) => document.entries.has(`${name}/run.json`)));

const changesOf = <T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  isSame: (a: T, b: T) => boolean,
): readonly Change<T>[] =>
  [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name): Change<T>[] => {
    const [old, fresh] = [before.get(name), after.get(name)];
    if (old === undefined) return fresh === undefined ? [] : [{ name, change: 'added', after: fresh }];
    if (fresh === undefined) return [{ name, change: 'removed', before: old }];
    return isSame(old, fresh) ? [] : [{ name, change: 'changed', before: old, after: fresh }];
  });

/** An object has no size but once, however many paths it has. */
const bytesOnlyIn = (these: ReadonlyMap<string, ObjectSide>, those: ReadonlyMap<string, ObjectSide>): number => {
  const known = new Set([...those.values()].map(({ id }) => id));
  const only = new Map(
    [...these.values()].filter(({ id }) => !known.has(id)).map(({ id, sizeBytes }) => [id, sizeBytes]),
  );
  return [...only.values()].reduce<number>((sum, sizeBytes) => sum + (sizeBytes ?? 0), 0);
};

/** A compiled state cut into pieces, none of which takes long to be received, and put together again. */
import type { CompiledState } from '../../resources/state-format/compile.ts';

type Key = keyof CompiledState;

export type Piece =
  | { readonly key: Key; readonly type: 'list'; readonly items: readonly unknown[] }
  | { readonly key: Key; readonly type: 'record'; readonly entries: readonly (readonly [string, unknown])[] }
  | { readonly key: Key; readonly type: 'value'; readonly value: unknown };

const AT_ONCE = 400;

function* slicesOf<T>(items: readonly T[]): Generator<readonly T[]> {
  // An empty list is a piece, too.
  for (let start = 0; start === 0 || start < items.length; start += AT_ONCE) yield items.slice(start, start + AT_ONCE);
}

/** A record whose keys people chose: it has no prototype. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;

export function* piecesOf(state: CompiledState): Generator<Piece> {
  for (const [name, value] of Object.entries(state)) {
    const key = name as Key; // its own
    if (Array.isArray(value)) for (const items of slicesOf(value)) yield { key, type: 'list', items };
    else if (isRecord(value))
      for (const entries of slicesOf(Object.entries(value))) yield { key, type: 'record', entries };
    else yield { key, type: 'value', value };
  }
}

export interface Assembling {
  add(piece: Piece): void;
  /** When every piece was added. */
  whole(): CompiledState;
}

export const assembling = (): Assembling => {
  const parts = new Map<Key, unknown>();
  const partOf = <T>(key: Key, empty: () => T): T => {
    if (!parts.has(key)) parts.set(key, empty());
    return parts.get(key) as T; // pieces of one key are of one type
  };
  return {
    add: (piece) => {
      switch (piece.type) {
        case 'list':
          partOf<unknown[]>(piece.key, () => []).push(...piece.items);
          return;
        case 'record':
          for (const [key, value] of piece.entries)
            partOf<Record<string, unknown>>(piece.key, () => Object.create(null))[key] = value;
          partOf(piece.key, () => Object.create(null));
          return;
        case 'value':
          parts.set(piece.key, piece.value);
          return;
        default:
          piece satisfies never;
      }
    },
    whole: () => Object.fromEntries(parts) as unknown as CompiledState, // what piecesOf() was given
  };
};

/** Keys of a manifest that nothing reads: mostly misspelt ones. They are no fault, because the format may grow. */
import type { z } from 'zod';
import { nearest } from '../nearest.ts';
import { elementOf } from './named-map.ts';
import type { Segment } from './problem.ts';

export interface UnknownKey {
  readonly at: readonly Segment[];
  /** The known key that was probably meant. */
  readonly nearest: string | undefined;
}

type Walked = z.core.$ZodType & { readonly def: z.core.$ZodTypes['_zod']['def'] };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Spellings of Pantavisor's documentation that nothing reads. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  provision_ops: 'provision_options',
  format_ops: 'format_options',
  mount_ops: 'mount_options',
};

const meant = (key: string, known: readonly string[]): string | undefined => {
  const documented = Object.hasOwn(DOCUMENTED, key) ? DOCUMENTED[key] : undefined;
  return documented !== undefined && known.includes(documented) ? documented : nearest(key, known);
};

/** `#spec` and comments. */
const isRemark = (key: string): boolean => /^[#_]/.test(key);

/** Those of a value that the schema may have refused elsewhere, in document order. */
export const unknownKeys = (
  schema: z.core.$ZodType,
  value: unknown,
  at: readonly Segment[] = [],
): readonly UnknownKey[] => {
  const element = elementOf(schema);
  if (element !== undefined) {
    if (!isObject(value)) return [];
    return Object.entries(value).flatMap(([key, one]) => unknownKeys(element, one, [...at, key]));
  }
  const { def } = (schema as Walked)._zod as unknown as Walked; // every schema of zod is one of $ZodTypes
  switch (def.type) {
    case 'optional':
      return unknownKeys(def.innerType, value, at);
    case 'array':
      return Array.isArray(value) ? value.flatMap((one, index) => unknownKeys(def.element, one, [...at, index])) : [];
    case 'object':
      return isObject(value) ? unknownIn(def.shape, value, at) : [];
    default:
      return [];
  }
};

const unknownIn = (
  shape: Readonly<Record<string, z.core.$ZodType>>,
  value: Readonly<Record<string, unknown>>,
  at: readonly Segment[],
): readonly UnknownKey[] =>
  Object.entries(value).flatMap(([key, one]) => {
    const known = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (known !== undefined) return unknownKeys(known, one, [...at, key]);
    return isRemark(key) ? [] : [{ at: [...at, key], nearest: meant(key, Object.keys(shape)) }];
  });

/**
 * RFC 6902 on a state document. Entries that come out as they were keep their very text: it is what containers are
 * defined by, and a number that JavaScript cannot hold must not change because another entry did. Pure.
 */
import jsonPatch, { type Operation } from 'fast-json-patch';
import { canonicalJson, canonicalObject } from '../../resources/state-format/canonical-json.ts';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { splitState } from '../../resources/state-format/state-text.ts';

export type Patched =
  | { readonly is: 'patched'; readonly document: Buffer }
  /** It is no patch. */
  | { readonly is: 'malformed'; readonly message: string }
  /** It is one, and not of this document: a `test` did not hold, or something is not there. */
  | { readonly is: 'conflict'; readonly message: string };

const MAX_OPERATIONS = 1_000;
const OPERATIONS: readonly string[] = ['add', 'remove', 'replace', 'move', 'copy', 'test'];

const isPointer = (value: unknown): boolean => typeof value === 'string' && (value === '' || value.startsWith('/'));

const faultOf = (operation: unknown): string | undefined => {
  if (typeof operation !== 'object' || operation === null) return 'expected an object';
  const { op, path, from } = operation as Readonly<Record<string, unknown>>; // an object, checked above
  if (typeof op !== 'string' || !OPERATIONS.includes(op)) return `expected op to be one of ${OPERATIONS.join(', ')}`;
  if (!isPointer(path)) return 'expected path to be a JSON pointer, such as /web~1run.json/group';
  if (['move', 'copy'].includes(op) && !isPointer(from)) return 'expected from to be a JSON pointer';
  if (['add', 'replace', 'test'].includes(op) && !('value' in operation)) return 'expected a value';
  return undefined;
};

/** The operations of a patch, or what is wrong with it. */
export const patchIn = (text: string): readonly Operation[] | string => {
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch (error) {
    return `expected JSON: ${error instanceof Error ? error.message : error}`;
  }
  if (!Array.isArray(patch)) return 'expected a list of operations (RFC 6902)';
  if (patch.length > MAX_OPERATIONS) return `expected at most ${MAX_OPERATIONS} operations, but it has ${patch.length}`;
  for (const [index, operation] of patch.entries()) {
    const fault = faultOf(operation);
    if (fault !== undefined) return `operation ${index}: ${fault}`;
  }
  return patch as readonly Operation[]; // each was looked at
};

/** Of `copy` again and again a document could grow by powers of two. */
const checkGrowth = (document: unknown, operation: Operation, grownBytes: number): number => {
  if (operation.op !== 'copy') return grownBytes;
  const copied: unknown = jsonPatch.getValueByPointer(document, operation.from);
  return grownBytes + (JSON.stringify(copied)?.length ?? 0);
};

const messageOf = (error: unknown, { op, path }: Operation): string => {
  const name = error instanceof Error ? error.name : '';
  if (name === 'TEST_OPERATION_FAILED') return `test of ${path} does not hold`;
  // The library's errors are named, for instance, OPERATION_PATH_UNRESOLVABLE; what else it throws is about the path.
  const what = /^[A-Z_]+$/.test(name) ? name.toLowerCase().replaceAll('_', ' ') : 'there is no such place';
  return `${op} of ${path}: ${what}`;
};

const applied = (value: unknown, patch: readonly Operation[]): { readonly value: unknown } | Patched => {
  let document = value;
  let grownBytes = 0;
  for (const [index, operation] of patch.entries()) {
    try {
      grownBytes = checkGrowth(document, operation, grownBytes);
      if (grownBytes > STATE_LIMITS.documentBytes)
        return {
          is: 'malformed',
          message: `operation ${index}: the document grows beyond ${STATE_LIMITS.documentBytes} bytes`,
        };
      document = jsonPatch.applyOperation(document, operation, true, true).newDocument;
    } catch (error) {
      return { is: 'conflict', message: `operation ${index}: ${messageOf(error, operation)}` };
    }
  }
  return { value: document };
};

/** @param bytes a sound state document. */
export const patchState = (bytes: Uint8Array, patch: readonly Operation[]): Patched => {
  const raw = new Map(splitState(bytes, STATE_LIMITS).entries.map(({ key, text }) => [key, text]));
  const before = new Map([...raw].map(([key, text]) => [key, canonicalJson(JSON.parse(text))]));
  const result = applied(JSON.parse(Buffer.from(bytes).toString('utf8')), patch);
  if ('is' in result) return result;
  const { value } = result;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { is: 'malformed', message: 'the document would be no object any more' };
  const entries = Object.entries(value).map(([key, entry]): [string, string] => {
    const canonical = canonicalJson(entry);
    return [key, before.get(key) === canonical ? (raw.get(key) ?? canonical) : canonical];
  });
  return { is: 'patched', document: Buffer.from(canonicalObject(entries, (text) => text)) };
};

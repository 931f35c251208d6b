/**
 * Signatures inside a state document (`pvs@2`): what they say, and which keys they are about.
 *
 * A signature is any value with `"#spec": "pvs@2"`, usually `_sigs/<name>.json`: a flattened JWS without its payload. The
 * payload is made of the keys that it includes, as they stand in the document. Nothing here knows a key or a certificate.
 */
import { z } from 'zod';
import type { Entry, StateDocument } from '../../resources/state-format/state.ts';
import { matcherOf } from './key-pattern.ts';

/** More than a state of 20 000 keys needs. */
const MAX_PATTERNS = 256;

const Base64Url = z.string().regex(/^[A-Za-z0-9_-]+={0,2}$/, 'expected base64url');
const Flattened = z.looseObject({ protected: Base64Url, signature: Base64Url });
const Header = z.looseObject({
  typ: z.literal('PVS'),
  alg: z.enum(['RS256', 'ES256', 'ES384', 'ES512']),
  pvs: z.looseObject({
    include: z.array(z.string()).max(MAX_PATTERNS),
    exclude: z.array(z.string()).max(MAX_PATTERNS),
  }),
  x5c: z.array(z.string()).max(16).optional(),
});

export type Algorithm = z.output<typeof Header>['alg'];

export interface PvsSignature {
  /** Its key in the document. */
  readonly key: string;
  readonly algorithm: Algorithm;
  /** Standard base64 DER, leaf first; undefined: it is to be verified with the device's own public key. */
  readonly certificates: readonly string[] | undefined;
  /** In document order. */
  readonly included: readonly string[];
  /** Included or excluded: whoever signed has seen that they are there. */
  readonly covered: ReadonlySet<string>;
  readonly signature: Buffer;
  readonly signingInput: string;
}

/** A signature that cannot be verified, and why. */
export interface FaultySignature {
  readonly key: string;
  readonly fault: string;
}

const isSignature = (entry: Entry): entry is Entry & { readonly type: 'json'; readonly value: object } =>
  entry.type === 'json' &&
  typeof entry.value === 'object' &&
  entry.value !== null &&
  (entry.value as { readonly '#spec'?: unknown })['#spec'] === 'pvs@2';

/** Every signature of the document, in its order. */
export const signaturesIn = (document: StateDocument): readonly (PvsSignature | FaultySignature)[] =>
  [...document.entries].flatMap(([key, entry]) =>
    isSignature(entry) ? [signatureOf(key, entry.value, document)] : [],
  );

const signatureOf = (key: string, value: object, document: StateDocument): PvsSignature | FaultySignature => {
  const flattened = Flattened.safeParse(value);
  if (!flattened.success) return { key, fault: faultOf(flattened.error) };
  const { protected: encoded, signature } = flattened.data;
  const header = Header.safeParse(jsonIn(Buffer.from(encoded, 'base64url').toString('utf8')));
  if (!header.success) return { key, fault: `in its protected header: ${faultOf(header.error)}` };
  const { alg, pvs, x5c } = header.data;
  try {
    const { included, covered } = selectionOf([...document.entries.keys()], pvs.include, pvs.exclude);
    return {
      key,
      algorithm: alg,
      certificates: x5c,
      included,
      covered,
      signature: Buffer.from(signature, 'base64url'),
      signingInput: `${encoded}.${Buffer.from(payloadOf(included, document)).toString('base64url')}`,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return { key, fault: error.message };
    throw error;
  }
};

/** Includes first, then excludes; keys of either list are covered. */
export const selectionOf = (
  keys: readonly string[],
  include: readonly string[],
  exclude: readonly string[],
): { readonly included: readonly string[]; readonly covered: ReadonlySet<string> } => {
  const [includes, excludes] = [include.map(matcherOf), exclude.map(matcherOf)];
  const isIn = (key: string): boolean => includes.some((matches) => matches(key));
  const isOut = (key: string): boolean => excludes.some((matches) => matches(key));
  return {
    included: keys.filter((key) => isIn(key) && !isOut(key)),
    covered: new Set(keys.filter((key) => isIn(key) || isOut(key))),
  };
};

/** The included part of the document: values as they stand there, everything that is no object or list as a string. */
export const payloadOf = (included: readonly string[], { entries }: StateDocument): string => {
  const members = included.map((key) => `${JSON.stringify(key)}:${rawOf(entries.get(key))}`);
  return `{${members.join(',')}}`;
};

const rawOf = (entry: Entry | undefined): string => {
  if (entry === undefined) return '""';
  if (entry.type === 'object') return `"${entry.id}"`;
  return /^["[{]/.test(entry.text) ? entry.text : `"${entry.text}"`;
};

const faultOf = ({ issues: [issue] }: z.ZodError): string =>
  issue === undefined ? 'it has another shape' : `${issue.path.join('.') || 'value'}: ${issue.message}`;

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // the schema refuses it
    throw error;
  }
};

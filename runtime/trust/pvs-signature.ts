/**
 * Signatures inside a state document (`pvs@2`): what they say, and which keys they are about.
 *
 * A signature is any value with `"#spec": "pvs@2"`, usually `_sigs/<name>.json`: a flattened JWS without its payload. The
 * payload is made of the keys that it includes, as they stand in the document. Nothing here knows a key or a certificate.
 */
import { z } from 'zod';
import type { Entry, StateDocument } from '../../resources/state-format/state.ts';
import { indexKeys, type KeyIndex } from './key-index.ts';

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
  /** Made anew at each call: it is as large as what is signed, and a document may have thousands of signatures. */
  signingInput(): string;
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

/** Every signature of the document, in its order; one is read when it is asked for. */
export function* signaturesIn(document: StateDocument): Generator<PvsSignature | FaultySignature> {
  const keys = [...document.entries.keys()];
  const index = indexKeys(keys);
  for (const [key, entry] of document.entries) {
    if (isSignature(entry)) yield signatureOf(key, entry.value, { document, keys, index });
  }
}

interface Indexed {
  readonly document: StateDocument;
  readonly keys: readonly string[];
  readonly index: KeyIndex;
}

const signatureOf = (key: string, value: object, indexed: Indexed): PvsSignature | FaultySignature => {
  const flattened = Flattened.safeParse(value);
  if (!flattened.success) return { key, fault: faultOf(flattened.error) };
  const { protected: encoded, signature } = flattened.data;
  const header = Header.safeParse(jsonIn(Buffer.from(encoded, 'base64url').toString('utf8')));
  if (!header.success) return { key, fault: `in its protected header: ${faultOf(header.error)}` };
  const { alg, pvs, x5c } = header.data;
  try {
    const { included, covered } = selectionOf(indexed, pvs.include, pvs.exclude);
    return {
      key,
      algorithm: alg,
      certificates: x5c,
      included,
      covered,
      signature: Buffer.from(signature, 'base64url'),
      signingInput: () => `${encoded}.${Buffer.from(payloadOf(included, indexed.document)).toString('base64url')}`,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return { key, fault: error.message };
    throw error;
  }
};

/** Includes first, then excludes; keys of either list are covered. */
const selectionOf = (
  { keys, index }: Indexed,
  include: readonly string[],
  exclude: readonly string[],
): { readonly included: readonly string[]; readonly covered: ReadonlySet<string> } => {
  const matching = (patterns: readonly string[]): Set<number> =>
    new Set(patterns.flatMap((pattern) => index.matching(pattern)));
  const [includes, excludes] = [matching(include), matching(exclude)];
  const keyAt = (position: number): string => keys[position] ?? '';
  return {
    included: [...includes]
      .filter((position) => !excludes.has(position))
      .sort((a, b) => a - b)
      .map(keyAt),
    covered: new Set([...includes, ...excludes].map(keyAt)),
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

/**
 * Canonical JSON as pvr writes it (the canonicaljson-spec): keys sorted by code point, no blanks, strings with the
 * fewest escapes, whole numbers in full, others as one digit, fraction and `E` exponent. Equal values, equal text.
 */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) return canonicalObject(Object.entries(value), canonicalJson);
  if (typeof value === 'number') return canonicalNumber(value);
  return typeof value === 'string' ? canonicalString(value) : String(value);
};

/** The object with these members; `textOf` gives the canonical text of each value. */
export const canonicalObject = <V>(entries: Iterable<readonly [string, V]>, textOf: (value: V) => string): string => {
  const members = [...entries];
  // UTF-16 order, which is quick, differs from code point order only where surrogates are involved.
  const isPlain = members.every(([key]) => !SURROGATE.test(key));
  members.sort(isPlain ? ([a], [b]) => (a < b ? -1 : 1) : ([a], [b]) => compareCodePoints(a, b));
  return `{${members.map(([key, value]) => `${canonicalString(key)}:${textOf(value)}`).join(',')}}`;
};

const SURROGATE = /[\ud800-\udfff]/;

const compareCodePoints = (a: string, b: string): number => {
  const [left, right] = [Array.from(a, codePoint), Array.from(b, codePoint)];
  const at = left.findIndex((point, index) => point !== right[index]);
  return at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
};

const codePoint = (character: string): number => character.codePointAt(0) ?? 0;

// JSON.stringify already escapes no more than it must; only the case of its hex digits differs.
const canonicalString = (text: string): string => {
  const quoted = JSON.stringify(text);
  return quoted.includes('\\u') ? quoted.replace(ESCAPES, withUpperCaseHex) : quoted;
};

const ESCAPES = /\\(?:\\|u[0-9a-f]{4})/g;

const withUpperCaseHex = (sequence: string): string =>
  sequence === '\\\\' ? sequence : `\\u${sequence.slice(2).toUpperCase()}`;

const canonicalNumber = (value: number): string => {
  if (Object.is(value, -0)) return '0';
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
};

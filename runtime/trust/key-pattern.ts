/**
 * The patterns by which a signature names keys of a state: those of a shell, in which `*` and `?` do not cross `/` and
 * match a leading dot; `<dir>/**` is the directory and everything below it. A lone `**` matches nothing.
 */

/** More than any signature of a real state has in one pattern. */
const MAX_PATTERN_LENGTH = 1024;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** The end of a bracket expression that begins at `start`; undefined: it is never closed, so `[` stands for itself. */
const bracketEnd = (pattern: string, start: number): number | undefined => {
  const first = /^[!^]/.test(pattern.slice(start + 1)) ? start + 2 : start + 1;
  const end = pattern.indexOf(']', pattern[first] === ']' ? first + 1 : first);
  const inside = pattern.slice(start, end < 0 ? undefined : end);
  return end < 0 || inside.includes('/') ? undefined : end;
};

const bracket = (inside: string): string => {
  const isNegated = /^[!^]/.test(inside);
  const set = (isNegated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&');
  return isNegated ? `[^/${set}]` : `(?!/)[${set}]`;
};

const STAR = '*';
const SLASH = '/';

/** Sources of expressions that match exactly one character each, and `STAR`. */
const tokensOf = (pattern: string): readonly string[] => {
  const tokens: string[] = [];
  for (let index = 0; index < pattern.length; ) {
    const char = String.fromCodePoint(pattern.codePointAt(index) ?? 0);
    const end = char === '[' ? bracketEnd(pattern, index) : undefined;
    const isEscape = char === '\\' && index + 1 < pattern.length;
    const literal = isEscape ? String.fromCodePoint(pattern.codePointAt(index + 1) ?? 0) : char;
    if (end !== undefined) tokens.push(bracket(pattern.slice(index + 1, end)));
    else if (isEscape || !'*?'.includes(char)) tokens.push(literal === SLASH ? SLASH : escaped(literal));
    else if (char === '?') tokens.push('[^/]');
    else if (tokens.at(-1) !== STAR) tokens.push(STAR);
    index = end === undefined ? index + literal.length + (isEscape ? 1 : 0) : end + 1;
  }
  return tokens;
};

const splitAt = (tokens: readonly string[], separator: string): readonly (readonly string[])[] => {
  const parts: string[][] = [[]];
  for (const token of tokens) {
    if (token === separator) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
};

/**
 * Characters between two stars have a fixed length, so their first occurrence is as good as any other: a lookahead takes
 * that one and never comes back to it. With plain `[^/]*`, the time would grow exponentially with the number of stars.
 */
const sourceOf = (pattern: string): string => {
  let groups = 0;
  const once = (source: string): string => `(?=(${source}))\\${++groups}`;
  const segments = splitAt(tokensOf(pattern), SLASH).map((segment) => {
    const [first = [], ...rest] = splitAt(segment, STAR).map((chunk) => chunk.join(''));
    const last = rest.length - 1;
    const found = rest.map((chunk, index) => once(index === last ? `[^/]*${chunk}(?![^/])` : `[^/]*?${chunk}`));
    return [first, ...found].join('');
  });
  return segments.join(SLASH);
};

/** `<dir>/**` is about `<dir>` too. */
const stemOf = (pattern: string): string => (pattern.endsWith('/**') ? pattern.slice(0, -3) : pattern);

/** With what every key begins that the pattern matches. */
export const literalPrefixOf = (pattern: string): string => stemOf(pattern).split(/[*?[\\]/, 1)[0] ?? '';

/** @throws RangeError for a pattern that is too long, SyntaxError for a bracket expression without sense. */
export const matcherOf = (pattern: string): ((key: string) => boolean) => {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new RangeError(`a pattern of ${pattern.length} characters, expected at most ${MAX_PATTERN_LENGTH}`);
  if (pattern === '**') return () => false;
  const stem = stemOf(pattern);
  const regular = new RegExp(`^${sourceOf(stem)}${stem === pattern ? '' : '(?:/.*)?'}$`, 'su');
  return (key) => regular.test(key);
};

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

const sourceOf = (pattern: string): string => {
  let source = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern[index] ?? '';
    const end = char === '[' ? bracketEnd(pattern, index) : undefined;
    if (char === '*') {
      // Several in a row are one: a pattern must not take time that grows with its length.
      while (pattern[index + 1] === '*') index += 1;
      source += '[^/]*';
    } else if (char === '?') source += '[^/]';
    else if (char === '\\' && index + 1 < pattern.length) source += escaped(pattern[++index] ?? '');
    else if (end !== undefined) {
      source += bracket(pattern.slice(index + 1, end));
      index = end;
    } else source += escaped(char);
  }
  return source;
};

/** @throws RangeError for a pattern that is too long, SyntaxError for a bracket expression without sense. */
export const matcherOf = (pattern: string): ((key: string) => boolean) => {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new RangeError(`a pattern of ${pattern.length} characters, expected at most ${MAX_PATTERN_LENGTH}`);
  if (pattern === '**') return () => false;
  const isTree = pattern.endsWith('/**');
  const regular = new RegExp(`^${sourceOf(isTree ? pattern.slice(0, -3) : pattern)}${isTree ? '(?:/.*)?' : ''}$`, 'su');
  return (key) => regular.test(key);
};

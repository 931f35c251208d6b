/**
 * What is wrong with a document, said so that its author can repair it: where, what was there, what belongs there.
 * A bad document is a value, never an exception; it never enters the snapshot.
 */
export interface Problem {
  /** The offending place, e.g. `web/run.json.storage.data.persistence`, `groups.json[2].timeout`, `line 3, column 7`. */
  readonly path: string;
  /** A short excerpt of what was received; `nothing` when it is missing. */
  readonly value: string;
  readonly expected: string;
  /** One sentence that names all three. */
  readonly message: string;
}

export type Segment = string | number;

/** Collects what is found on the way; a document is refused if `problems` is not empty in the end. */
export interface Report {
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/** More than a person will read; a hostile document must not turn into a list of millions. */
export const MAX_PROBLEMS = 1000;

export const newReport = (): Report => ({ problems: [], warnings: [] });

const EXCERPT_LENGTH = 60;
const SEGMENT_LENGTH = 255;
const MAX_LISTED = 20;

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Names for a sentence; not all, if they are many. */
export const listOf = (names: Iterable<string>): string => {
  const all = [...names];
  return [...all.slice(0, MAX_LISTED), ...(all.length > MAX_LISTED ? ['…'] : [])].join(', ');
};

/** The received value on one line, cut to a readable length. */
export const excerptOf = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value) && value.length > EXCERPT_LENGTH) return `a list of ${value.length} elements`;
  // No more of a long text is looked at than is shown.
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, EXCERPT_LENGTH) : value) ?? typeof value;
  return cut(text, EXCERPT_LENGTH);
};

const isPlain = (segment: string): boolean => /^[^\s.[\]"\p{Cc}]+$/u.test(segment);

const segmentText = (segment: Segment): string => {
  if (typeof segment === 'number') return `[${segment}]`;
  const text = cut(segment, SEGMENT_LENGTH);
  return isPlain(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
};

/** `key` is a key of the state document and may hold dots and slashes itself. */
export const pathOf = (key: string, segments: readonly Segment[] = []): string =>
  (/\p{Cc}/u.test(key) || key === '' ? JSON.stringify(key) : key) + segments.map(segmentText).join('');

/** `value` is a JSON value, shown as an excerpt. `hint` says what to do or what is used instead. */
export const problemAt = (path: string, value: unknown, expected: string, hint = ''): Problem =>
  problemWith(path, excerptOf(value), expected, hint);

/** As `problemAt`, for an excerpt that is not JSON. */
export const problemWith = (path: string, excerpt: string, expected: string, hint = ''): Problem => ({
  path,
  value: excerpt,
  expected,
  message: `${path} is ${excerpt}, expected ${expected}${hint === '' ? '' : `; ${hint}`}`,
});

export const capped = (problems: readonly Problem[]): readonly Problem[] =>
  problems.length <= MAX_PROBLEMS
    ? problems
    : [
        ...problems.slice(0, MAX_PROBLEMS),
        problemWith('the rest', 'not listed', `a document with fewer than ${MAX_PROBLEMS} problems`),
      ];

/** The value types of configuration keys: how each is written, and what it is when read. */

/** One type of value. `parse` answers undefined for text it does not accept; it never throws. */
export interface ValueType<T> {
  readonly name: 'bool' | 'int' | 'duration' | 'string' | 'outputs' | 'enum';
  readonly parse: (text: string) => T | undefined;
  /** What would have been accepted, for people: the end of the sentence "expected …". */
  readonly expected: string;
  /** What older interfaces show in place of a value that is neither text nor a number. */
  numberOf?(value: T): number;
  /** What of accepted text does not count; undefined: all of it does. */
  complaint?(text: string): string | undefined;
}

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  false: false,
  no: false,
  off: false,
};
const DECIMAL = /^[+-]?\d{1,15}$/;

export const BOOL: ValueType<boolean> = {
  name: 'bool',
  parse: (text) => {
    const word = text.toLowerCase();
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    return DECIMAL.test(text) ? Number(text) !== 0 : undefined;
  },
  expected: 'true, yes, on, false, no, off or a number (0 is false)',
};

export const INT: ValueType<number> = {
  name: 'int',
  // strtol of the empty string is 0, and device images rely on `key=`.
  parse: (text) => (text === '' ? 0 : DECIMAL.test(text) ? Number(text) : undefined),
  expected: 'a decimal number',
};

const UNIT_SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, min: 60, h: 3600, d: 86_400 };

/** Seconds. Zero cannot be written. */
export const DURATION: ValueType<number> = {
  name: 'duration',
  parse: (text) => {
    const [, digits, unit] = /^(\d{1,10})(s|min|h|d)?$/.exec(text) ?? [];
    const seconds = Number(digits) * (UNIT_SECONDS[unit ?? ''] ?? Number.NaN);
    return seconds > 0 ? seconds : undefined;
  },
  expected: 'a duration above 0 such as 90, 90s, 5min, 2h or 1d',
};

export const STRING: ValueType<string> = { name: 'string', parse: (text) => text, expected: 'text' };

export const LOG_OUTPUTS = [
  'filetree',
  'singlefile',
  'nullsink',
  'stdout',
  'stdout.pantavisor',
  'stdout.containers',
  'stdout_direct',
] as const;
export type LogOutput = (typeof LOG_OUTPUTS)[number];

/** As bits; `update` is always among them. */
const OUTPUT_BITS: Readonly<Record<LogOutput, number>> = {
  nullsink: 1,
  singlefile: 2,
  filetree: 4,
  stdout: 8,
  'stdout.containers': 16,
  'stdout.pantavisor': 32,
  stdout_direct: 64,
};
const UPDATE_BIT = 128;

const isLogOutput = (word: string): word is LogOutput => (LOG_OUTPUTS as readonly string[]).includes(word);

const wordsIn = (text: string): readonly string[] => text.split(',').map((word) => word.trim());

export const OUTPUTS: ValueType<readonly LogOutput[]> = {
  name: 'outputs',
  parse: (text) => {
    const known = wordsIn(text).filter(isLogOutput);
    return known.length > 0 ? known : undefined;
  },
  complaint: (text) => {
    const unknown = wordsIn(text).filter((word) => !isLogOutput(word));
    return unknown.length === 0
      ? undefined
      : `${unknown.map((word) => JSON.stringify(word)).join(', ')} is none of ${LOG_OUTPUTS.join(', ')}; the rest counts`;
  },
  expected: `a comma-separated list of ${LOG_OUTPUTS.join(', ')}`,
  numberOf: (outputs) => outputs.reduce((bits, output) => bits | OUTPUT_BITS[output], UPDATE_BIT),
};

/** One of a few words. Case matters. */
export const oneOf = <const W extends string>(...words: readonly W[]): ValueType<W> => ({
  name: 'enum',
  parse: (text) => words.find((word) => word === text),
  expected: `one of ${words.join(', ')}`,
  numberOf: (word) => words.indexOf(word),
});

/**
 * Where a value may come from. The number is the precedence: an equal or higher level replaces, a lower one is
 * ignored, so that the order in which sources are read does not matter.
 */
export const LEVELS = {
  default: 0,
  args: 1,
  'pv conf file': 2,
  'ph conf file': 4,
  /** What the Hub client learns by itself: id, prn, secret. Pantavisor shows it under this name. */
  unknown: 8,
  policy: 16,
  'oem config': 32,
  'pv cmdline': 64,
  'ph cmdline': 128,
  env: 256,
  metadata: 512,
  command: 1024,
} as const;

/** The name that users see as `modified`. */
export type Level = keyof typeof LEVELS;

/** Which levels may set a key, as letters; OPENED_BY says what each stands for. */
export type Access = 'PV' | 'PV O' | 'PV O R' | 'PH O' | 'PH O R';

const OPENED_BY: Readonly<Record<string, readonly Level[]>> = {
  PV: ['pv conf file', 'policy', 'pv cmdline', 'env'],
  PH: ['ph conf file', 'policy', 'ph cmdline', 'env'],
  O: ['oem config'],
  R: ['metadata', 'command'],
};

/** Defaults, command-line words and the Hub client pass everywhere. */
const ALWAYS: readonly Level[] = ['default', 'args', 'unknown'];

export const maySet = (level: Level, access: Access): boolean =>
  ALWAYS.includes(level) || access.split(' ').some((letter) => OPENED_BY[letter]?.includes(level) === true);

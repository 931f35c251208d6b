/** `key=value` pairs as the sources carry them, before anybody looks at what they mean. */

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Where it stands, for people: `/etc/pantavisor.config:3`. */
  readonly from?: string;
}

const split = (line: string): Entry | undefined => {
  const at = line.indexOf('=');
  return at < 0 ? undefined : { key: line.slice(0, at), value: line.slice(at + 1) };
};

/**
 * A configuration file. Nothing is trimmed but the end of the line, there are no quotes and no comments; a line
 * without `=` is skipped, so `# text` is harmless.
 */
export const fileEntries = (content: string, path?: string): readonly Entry[] =>
  content.split('\n').flatMap((line, index) => {
    const entry = split(line.replace(/\s$/, ''));
    if (entry === undefined) return [];
    return [path === undefined ? entry : { ...entry, from: `${path}:${index + 1}` }];
  });

/** Left for the bootloader's part of the program: no settings. The kernel hands words of its command line to init as variables. */
const NOT_SETTINGS = ['try', 'rev', 'trying'];
const BOOT_VARIABLES = NOT_SETTINGS.map((name) => `pv_${name}`);

/** Environment variables that start with `PV_` or `PH_`, in any case. */
export const environmentEntries = (env: Readonly<Record<string, string | undefined>>): readonly Entry[] =>
  Object.entries(env).flatMap(([key, value]) =>
    /^p[vh]_/i.test(key) && !BOOT_VARIABLES.includes(key) && value !== undefined ? [{ key, value, from: key }] : [],
  );

const MODE_WORDS: Readonly<Record<string, string>> = {
  pv_embedded: 'embedded',
  pv_standalone: 'standalone',
  pv_appengine: 'appengine',
};
const DEBUG_KEYS = ['PV_DEBUG_SHELL', 'PV_DEBUG_SHELL_AUTOLOGIN', 'PV_DEBUG_SSH'];

/** What words without a value stand for; others are not ours. */
const wordEntries = (word: string): readonly Entry[] => {
  if (word === 'pv_debug') return DEBUG_KEYS.map((key) => ({ key, value: '1', from: word }));
  const mode = Object.hasOwn(MODE_WORDS, word) ? MODE_WORDS[word] : undefined;
  return mode === undefined ? [] : [{ key: 'PV_SYSTEM_INIT_MODE', value: mode, from: word }];
};

export interface CommandLine {
  readonly pv: readonly Entry[];
  readonly ph: readonly Entry[];
  /** Of words without a value, which beat everything. */
  readonly args: readonly Entry[];
}

/** The kernel hands no more to the program that Pantavisor is. */
const MAX_COMMAND_LINE = 1023;
/** Words are split at blanks and nothing else, and their case counts. */
export const commandLine = (text: string): CommandLine => {
  const words = text.slice(0, MAX_COMMAND_LINE).replace(/\n$/, '').split(' ');
  const after = (prefix: string): readonly Entry[] =>
    words
      .filter((word) => word.startsWith(prefix))
      .flatMap((word) => {
        const entry = split(word.slice(prefix.length));
        return entry === undefined || NOT_SETTINGS.includes(entry.key) ? [] : [{ ...entry, from: word }];
      });
  return { pv: after('pv_'), ph: after('ph_'), args: words.flatMap(wordEntries) };
};

/** `key=value` pairs as the sources carry them, before anybody looks at what they mean. */

export interface Entry {
  readonly key: string;
  readonly value: string;
}

const split = (line: string): readonly Entry[] => {
  const at = line.indexOf('=');
  return at < 0 ? [] : [{ key: line.slice(0, at), value: line.slice(at + 1) }];
};

/**
 * A configuration file. Nothing is trimmed but the end of the line, there are no quotes and no comments; a line
 * without `=` is skipped (config.md §3), so `# text` is harmless.
 */
export const fileEntries = (content: string): readonly Entry[] =>
  content.split('\n').flatMap((line) => split(line.replace(/\s$/, '')));

/** Environment variables that start with `PV_` or `PH_`, in any case. */
export const environmentEntries = (env: Readonly<Record<string, string | undefined>>): readonly Entry[] =>
  Object.entries(env).flatMap(([key, value]) => (/^p[vh]_/i.test(key) && value !== undefined ? [{ key, value }] : []));

const MODE_WORDS: Readonly<Record<string, string>> = {
  pv_embedded: 'embedded',
  pv_standalone: 'standalone',
  pv_appengine: 'appengine',
};

/** Command-line words that stand for a setting; others are not ours. */
export const argumentEntries = (words: readonly string[]): readonly Entry[] =>
  words.flatMap((word) => {
    if (word === 'pv_debug')
      return ['PV_DEBUG_SHELL', 'PV_DEBUG_SHELL_AUTOLOGIN', 'PV_DEBUG_SSH'].map((key) => ({ key, value: '1' }));
    const mode = Object.hasOwn(MODE_WORDS, word) ? MODE_WORDS[word] : undefined;
    return mode === undefined ? [] : [{ key: 'PV_SYSTEM_INIT_MODE', value: mode }];
  });

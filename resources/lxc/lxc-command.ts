/**
 * The command of init. Pantavisor's LXC splits `lxc.init.cmd` like a shell, and pvr quotes every word after the first;
 * LXC as distributions have it splits at blanks only, and hands the quotes to the program. Words that follow `--` on the
 * command line of lxc-start take the place of `lxc.init.cmd` and are handed over as they are.
 */
import { parse } from './lxc-line.ts';

const WORD = /(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|'[^']*'|[^\s"'\\])+/g;
const PART = /\\([\s\S])|"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|([^\s"'\\]+)/g;

/** Between double quotes a backslash only escapes what would otherwise be special there, as in sh(1). */
const unescaped = (quoted: string): string => quoted.replace(/\\(["\\$`])/g, '$1');

const wordOf = (word: string): string =>
  [...word.matchAll(PART)]
    .map(([, escaped, double, single, plain]) => escaped ?? (double && unescaped(double)) ?? single ?? plain ?? '')
    .join('');

/** Words of a command with quotes and backslashes; undefined when a quote is never closed. */
export const splitCommand = (command: string): readonly string[] | undefined =>
  command.replace(WORD, '').trim() === '' ? (command.match(WORD) ?? []).map(wordOf) : undefined;

/** One pair of quotes around the whole value is the file's, not the command's. */
const commandIn = (raw: string): string => {
  const value = raw.slice(raw.indexOf('=') + 1).trim();
  const quoted = /^"((?:\\.|[^"\\])*)"$|^'([^']*)'$/.exec(value);
  return quoted?.[1] ?? quoted?.[2] ?? value;
};

/**
 * What init must be started with instead of the `lxc.init.cmd` in force; empty when LXC itself reads that rightly, and
 * when a quote is never closed. Included files are not looked into.
 */
export const initWords = (config: string): readonly string[] => {
  const line = parse(config).findLast(({ key, value }) => key === 'lxc.init.cmd' && value !== '');
  const command = line === undefined ? '' : commandIn(line.raw);
  return /["'\\]/.test(command) ? (splitCommand(command) ?? []) : [];
};

/** Where log lines go: JSON for files and collectors, words for a terminal. */
import { styleText } from 'node:util';
import pino, { type DestinationStream } from 'pino';

const STYLES = { 10: 'gray', 20: 'gray', 30: 'green', 40: 'yellow', 50: 'red', 60: 'red' } as const;
const NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

/** One JSON line of pino as a line for people: time, level, resource, message, and what else there is. */
export const readable = (json: string): string => {
  const { level = 30, time = '', ref, revision: _, msg = '', err, ...rest } = JSON.parse(json);
  const name = (NAMES[level] ?? String(level)).padEnd(5);
  const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  const head = `${String(time).slice(11, 23)} ${styleText(STYLES[level as keyof typeof STYLES] ?? 'gray', name)}`; // other levels fall back
  const subject = ref === undefined ? '' : ` ${plain(String(ref))}:`;
  const stack = err === undefined ? '' : `\n${err.stack ?? err.message}`;
  return `${head}${subject} ${plain(String(msg))}${more}${stack}\n`;
};

/** Synchronous: the last words of a daemon that ends are the ones that matter. */
export const logDestination = (output: NodeJS.WriteStream & { readonly fd: number }): DestinationStream =>
  output.isTTY ? { write: (line) => output.write(readable(line)) } : pino.destination({ fd: output.fd, sync: true });

/** Resolves when the text is out, or when there is nobody any more who would read it. */
export const printTo =
  (output: NodeJS.WriteStream) =>
  (text: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      output.write(text, () => resolve());
    });

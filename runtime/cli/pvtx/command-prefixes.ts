/** How pvtx has always understood its commands: by how they begin. Pure. */

const COMMANDS = ['begin', 'add', 'remove', 'show', 'abort', 'commit', 'deploy'];
const QUEUE = 'queue';
const QUEUE_COMMANDS = ['new', 'unpack', 'remove', 'process'];
/** Of the program itself. */
const OTHERS = ['completion', '__complete'];

/** `beginning` is begin. */
const commandIn = (commands: readonly string[], word: string): string | undefined =>
  commands.find((command) => word.startsWith(command));

const isQueue = (word: string): boolean => word !== '' && (QUEUE.startsWith(word) || word.startsWith(QUEUE));

export type Understood =
  | { readonly kind: 'command'; readonly words: readonly string[] }
  | { readonly kind: 'help'; readonly exitCode: number }
  | { readonly kind: 'unknown'; readonly word: string };

/** The words with the commands spelt in full. Options before them are left alone; `-s` takes a value. */
export const understand = (words: readonly string[]): Understood => {
  const start = words.findIndex((word, at) => !word.startsWith('-') && words[at - 1] !== '-s');
  const first = words[start];
  if (words.includes('--help') || words.includes('-h') || words.includes('--version'))
    return { kind: 'command', words };
  if (first === undefined) return { kind: 'help', exitCode: 255 };
  if (first === 'help') return { kind: 'help', exitCode: 0 };
  const [before, after] = [words.slice(0, start), words.slice(start + 1)];
  if (!isQueue(first)) {
    const command = OTHERS.includes(first) ? first : commandIn(COMMANDS, first);
    return command === undefined
      ? { kind: 'unknown', word: first }
      : { kind: 'command', words: [...before, command, ...after] };
  }
  const [second = '', ...rest] = after;
  const command = commandIn(QUEUE_COMMANDS, second);
  return command === undefined
    ? { kind: 'unknown', word: `${QUEUE} ${second}`.trim() }
    : { kind: 'command', words: [...before, QUEUE, command, ...rest] };
};

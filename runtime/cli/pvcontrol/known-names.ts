/** What completion asks the device for: the one that the line being typed is about. */
import type { KnownNames } from '../shared/completion.ts';
import type { GlobalOptions } from './question.ts';

/** The socket that a line names before its command. */
const socketIn = (words: readonly string[]): string | undefined => {
  const at = words.indexOf('-s');
  return at < 0 ? undefined : words[at + 1];
};

/** What `tx remove` takes out by its name: the directories of a state. */
const partsIn = (keys: readonly string[]): readonly string[] =>
  keys.flatMap((key) => /^([^_#/][^/]*)\//.exec(key)?.[1] ?? []);

export const knownNames = (globals: () => GlobalOptions): KnownNames => {
  const optionsFor = (words: readonly string[]): GlobalOptions => {
    const socket = socketIn(words);
    return { ...globals(), ...(socket !== undefined && { s: socket }) };
  };
  const namesAt = async (path: string, words: readonly string[]): Promise<readonly string[]> =>
    (await import('./lists.ts')).namesAt(path, optionsFor(words));
  return {
    container: (words) => namesAt('/containers', words),
    resource: (words) => namesAt('/containers', words),
    revision: async (words) => ['current', ...(await namesAt('/steps', words))],
    base: async () => ['current', 'empty'],
    part: async (words) => {
      const { askSocket } = await import('./question.ts');
      const { status, body } = await askSocket({ method: 'GET', path: '/steps/current' }, optionsFor(words));
      return status === 200 ? partsIn(Object.keys(JSON.parse(body))) : [];
    },
  };
};

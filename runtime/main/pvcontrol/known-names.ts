/** What completion asks the device for: the one that the line being typed is about. */
import type { KnownNames } from '../completion.ts';
import type { GlobalOptions } from './question.ts';

/** The socket that a line names before its command. */
const socketIn = (words: readonly string[]): string | undefined => {
  const at = words.indexOf('-s');
  return at < 0 ? undefined : words[at + 1];
};

export const knownNames = (globals: () => GlobalOptions): KnownNames => {
  const namesAt = async (path: string, words: readonly string[]): Promise<readonly string[]> => {
    const { namesAt: ask } = await import('./lists.ts');
    const socket = socketIn(words);
    return ask(path, { ...globals(), ...(socket !== undefined && { s: socket }) });
  };
  return {
    container: (words) => namesAt('/containers', words),
    resource: (words) => namesAt('/containers', words),
    revision: async (words) => ['current', ...(await namesAt('/steps', words))],
    base: async () => ['current', 'empty'],
  };
};

/** `level=INFO src=myapp message="some text"` in any order. */
import { levelNamed } from './log-levels.ts';
import { type Parsed, refuse } from './message.ts';

/** Quoted values may contain `\"`, which stays as written. */
const PAIR = /\s*([^\s="]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s"]\S*)|)/y;
const KEYS = ['level', 'src', 'message'] as const;

/** The pairs up to the first key that is none of the three. */
const pairsOf = (text: string): ReadonlyMap<string, string> => {
  const pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  for (let pair = PAIR.exec(text); pair !== null; pair = PAIR.exec(text)) {
    const [, key = '', quoted, plain] = pair;
    if (!KEYS.some((known) => known === key)) break;
    pairs.set(key, quoted ?? plain ?? '');
    if (pairs.size === KEYS.length) break;
  }
  return pairs;
};

/** undefined: not of this format. `text` has one character per byte. */
export const parseKeyValue = (text: string): Parsed | undefined => {
  const pairs = pairsOf(text);
  if (KEYS.some((key) => !pairs.has(key))) return undefined;
  const [name = '', source = '', message = ''] = KEYS.map((key) => pairs.get(key));
  if (source === '' || message === '') return refuse('a key-value message with a key that has no value');
  const level = levelNamed(name);
  if (level === undefined) return refuse('a key-value message whose level is no name of a level');
  return {
    level,
    source: Buffer.from(source, 'latin1').toString(),
    data: Buffer.from(message, 'latin1'),
    isText: true,
  };
};

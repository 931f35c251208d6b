/**
 * `{"version":"0","level":"info","src":"myapp","message":"text"}`. `src` and `message` are taken
 * as they stand between their quotes, escapes and all: one message stays one line, whatever it says.
 */
import { JsonScanner, JsonSyntaxError } from '../state-format/json-scanner.ts';
import { levelNamed } from './log-levels.ts';
import { type Parsed, refuse } from './message.ts';

const LIMITS = { nesting: 16, values: 4096 };

/** Values of the outermost object, as written; undefined: no JSON object. */
const membersOf = (text: string): ReadonlyMap<string, string> | undefined => {
  const members = new Map<string, string>();
  try {
    new JsonScanner(text, LIMITS).document((key, start, end) => members.set(key, text.slice(start, end)));
    return members;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
};

/** What stands between the quotes of a string; other values as they are. */
const unquoted = (value: string | undefined): string | undefined =>
  value?.startsWith('"') ? value.slice(1, -1) : value;

const REQUIRED = ['version', 'level', 'src', 'message'] as const;

/** undefined: not a JSON object. `text` has one character per byte. */
export const parseJson = (text: string): Parsed | undefined => {
  const members = membersOf(text);
  if (members === undefined) return undefined;
  const missing = REQUIRED.find((key) => !members.has(key));
  if (missing !== undefined) return refuse(`a JSON message without "${missing}"`);
  const [version = '', name = '', source = '', message = ''] = REQUIRED.map((key) => unquoted(members.get(key)));
  if (!version.startsWith('0')) return refuse('a JSON message whose version does not begin with 0');
  const level = levelNamed(name);
  if (level === undefined) return refuse('a JSON message whose level is no name of a level');
  return {
    level,
    source: Buffer.from(source, 'latin1').toString(),
    data: Buffer.from(message, 'latin1'),
    isText: true,
  };
};

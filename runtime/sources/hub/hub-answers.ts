/** What the Hub's bodies say, read with suspicion: everything that is not as expected is no answer. Pure. */
import { JsonScanner } from '../../../resources/state-format/json-scanner.ts';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { isObjectId, isRevision } from '../../store/trails/revision.ts';
import type { Answer, Request, Step } from './hub-state.ts';

/** The largest answer: a step with a state of the largest size, and what is around it. */
export const MAX_BODY_BYTES = STATE_LIMITS.documentBytes * 2 + 64 * 1024;
const MAX_TEXT = 4096;
/** Steps come one at a time, but a Hub may list more of them. */
const LIMITS = { nesting: STATE_LIMITS.nesting + 8, values: STATE_LIMITS.values * 4 };

type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textIn = (members: Members, key: string): string => {
  const value = members[key];
  return typeof value === 'string' && value.length <= MAX_TEXT ? value : '';
};
/** It becomes part of a path and of a line in a file. */
const isName = (text: string): boolean => /^[\w:/.@-]{1,256}$/.test(text);

const parse = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
};

/** undefined: the body is none that answers this request. */
export const answerIn = (request: Request, body: Buffer): Answer | undefined => {
  switch (request.kind) {
    case 'sync':
    case 'progress':
    case 'device-meta':
    case 'download':
      return { kind: request.kind };
    case 'steps':
      return stepsIn(body.toString());
    case 'trails': {
      const trails = parse(body);
      return { kind: 'trails', isSynced: Array.isArray(trails) && trails.length > 0 };
    }
    default: {
      const members = parse(body);
      return isMembers(members) ? membersIn(request, members) : undefined;
    }
  }
};

const membersIn = (request: Request, members: Members): Answer | undefined => {
  switch (request.kind) {
    case 'register': {
      const [id, prn, secret] = ['id', 'prn', 'secret'].map((key) => textIn(members, key));
      if (id === undefined || prn === undefined || secret === undefined) return undefined;
      if (![id, prn].every(isName) || secret === '' || /[\r\n]/.test(secret)) return undefined;
      return { kind: 'register', credentials: { id, prn, secret } };
    }
    case 'login':
      return { kind: 'login', token: tokenIn(members) };
    case 'device':
      if (textIn(members, 'id') === '') return undefined;
      return { kind: 'device', owner: textIn(members, 'owner'), challenge: challengeIn(members) };
    case 'object':
      return objectIn(request.id, members);
    case 'user-meta':
      return { kind: 'user-meta', map: members };
    default:
      return undefined;
  }
};

/** Of any length; it must fit a header. Anything else is as good as none. */
const tokenIn = ({ token }: Members): string =>
  typeof token === 'string' && /^[\x21-\x7e]*$/.test(token) ? token : '';

const challengeIn = (members: Members): string => textIn(members, 'challenge').replace(/[^\x20-\x7e]/g, '');

const objectIn = (id: string, members: Members): Answer | undefined => {
  const size = members['size'];
  const sizeBytes = Number(typeof size === 'string' || typeof size === 'number' ? size : Number.NaN);
  const url = members['signed-geturl'];
  if (typeof url !== 'string' || !url.startsWith('https://') || !URL.canParse(url)) return undefined;
  if (!isObjectId(id) || textIn(members, 'sha256sum') !== id) return undefined;
  if (size === '' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
  return { kind: 'object', id, sizeBytes, url };
};

/** The first step, with the characters of its state as they came: its hash and its signatures are over those. */
const stepsIn = (text: string): Answer | undefined => {
  const list = text.trim();
  if (!list.startsWith('[')) return undefined;
  if (/^\[\s*\]$/.test(list)) return { kind: 'steps', step: undefined };
  const texts = new Map<string, string>();
  try {
    const first = list.slice(1, endOfFirst(list)).trim();
    // The list must be whole: one that was cut may have been cut anywhere.
    JSON.parse(list);
    new JsonScanner(first, LIMITS).document((key, start, end) => texts.set(key, first.slice(start, end)));
  } catch {
    return undefined;
  }
  const step = stepOf(texts);
  return step === undefined ? undefined : { kind: 'steps', step };
};

const stepOf = (texts: ReadonlyMap<string, string>): Step | undefined => {
  const value = (key: string): unknown => JSON.parse(texts.get(key) ?? 'null');
  const rev = value('rev');
  const revision = typeof rev === 'number' || typeof rev === 'string' ? String(rev) : '';
  const document = texts.get('state');
  if (!isRevision(revision) || revision.startsWith('locals/') || document === undefined) return undefined;
  const progress = value('progress');
  const retries = isMembers(progress) && Number.isSafeInteger(progress['retries']) ? Number(progress['retries']) : 0;
  const text = (key: string): string => textIn({ [key]: value(key) }, key);
  return {
    revision,
    document,
    retries: Math.max(0, retries),
    message: text('commit-msg'),
    author: text('committer') || text('owner'),
  };
};

/** Where the first element of a list ends: a comma or the bracket outside of every string and nesting. */
const endOfFirst = (list: string): number => {
  let depth = 0;
  let inString = false;
  for (let at = 1; at < list.length; at += 1) {
    const character = list[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (depth === 0 && (character === ',' || character === ']')) return at;
    else if (character === '}' || character === ']') depth -= 1;
  }
  return list.length;
};

/** What a refusal says, for people. */
export const reasonIn = (what: string, status: number, body: Buffer): string => {
  const members = parse(body.subarray(0, MAX_TEXT));
  const said = isMembers(members) ? textIn(members, 'msg') || textIn(members, 'error') || textIn(members, 'Error') : '';
  const text = `${what}: the server answered ${status}${said === '' ? '' : `: ${said}`}`;
  return text.replace(/\p{Cc}/gu, ' ');
};

/**
 * Tokens: one file each in `PV_PVR_TOKENS`, named as the token is called in the log.
 *
 *   scopes=read,push,control
 *   token=<at least 32 characters>       or: sha256=<of it, in hex>
 *
 * A file that is not as it must be is no token, and says why. Secrets are compared by their sums, in constant time,
 * and with every token there is.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { fileEntries } from '../config/key-value-entries.ts';
import { DeviceError, type Files } from '../host/host.ts';
import { type Client, SCOPES, type Scope } from './scope.ts';
import { exposure } from './secret-file.ts';

export interface Token extends Client {
  readonly sum: Buffer;
}

export interface Tokens {
  readonly tokens: readonly Token[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

const MAX_TOKENS = 64;
const MAX_BYTES = 4096;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** RFC 6750 §2.1. */
const SECRET = /^[A-Za-z0-9._~+/-]+=*$/;
const LEAST_SECRET = 32;
const SUM = /^[0-9a-f]{64}$/i;
const WRITABLE_BY_OTHERS = 0o022;

const sumOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const isScope = (word: string): word is Scope => (SCOPES as readonly string[]).includes(word);

const sumIn = (fields: ReadonlyMap<string, string>): Buffer | string => {
  const [secret, sum] = [fields.get('token'), fields.get('sha256')];
  if ((secret === undefined) === (sum === undefined)) return 'expected either token=… or sha256=…';
  if (sum !== undefined) return SUM.test(sum) ? Buffer.from(sum, 'hex') : 'expected sha256= with 64 hex digits';
  // What is in it is not repeated: it may be most of a secret.
  if (secret === undefined || secret.length < LEAST_SECRET || !SECRET.test(secret))
    return `expected token= with at least ${LEAST_SECRET} letters, digits and - . _ ~ + /, as "openssl rand -hex 32" makes them`;
  return sumOf(secret);
};

/** @returns in words what is wrong with it. */
export const parseToken = (name: string, text: string): Token | string => {
  const fields = new Map(fileEntries(text).map(({ key, value }) => [key.trim(), value.trim()] as const));
  const words = (fields.get('scopes') ?? '').split(/[\s,]+/).filter((word) => word !== '');
  const unknown = words.find((word) => !isScope(word));
  if (unknown !== undefined || words.length === 0)
    return `expected scopes= with some of ${SCOPES.join(', ')}${unknown === undefined ? '' : `, but saw ${JSON.stringify(unknown.slice(0, 40))}`}`;
  const sum = sumIn(fields);
  return typeof sum === 'string' ? sum : { name, scopes: new Set(words.filter(isScope)), sum };
};

const readToken = async (files: Files, directory: string, name: string): Promise<Token | string> => {
  const path = `${directory}/${name}`;
  if (!NAME.test(name)) return `${path}: expected a name of letters, digits and . _ @ -`;
  const inspected = await files.inspect(path, MAX_BYTES);
  if (inspected === undefined) return `${path} is a link to nothing`;
  const token = exposure(path, inspected) ?? parseToken(name, inspected.content.toString('utf8'));
  return typeof token === 'string' && !token.startsWith(path) ? `${path}: ${token}` : token;
};

const directoryProblem = async (files: Files, directory: string): Promise<string | undefined> => {
  const stat = await files.stat(directory);
  const is = `PV_PVR_TOKENS is ${directory}`;
  if (stat === undefined) return `${is}, but there is no such directory: mkdir -m 700 ${directory}`;
  if (stat.type !== 'directory') return `${is}, a ${stat.type}, expected a directory`;
  if (stat.owner !== 0) return `${is}, which belongs to the user ${stat.owner}, expected root: chown root ${directory}`;
  if ((stat.mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  return `${is}, to which others than root may write: chmod 700 ${directory}`;
};

/** Every token there is now. Names that begin with a dot are passed over. */
export const loadTokens = async (files: Files, directory: string): Promise<Tokens> => {
  try {
    const problem = await directoryProblem(files, directory);
    if (problem !== undefined) return { tokens: [], problems: [problem] };
    const names = ((await files.list(directory)) ?? []).filter((name) => !name.startsWith('.'));
    const read: (Token | string)[] = [];
    for (const name of names.slice(0, MAX_TOKENS)) {
      read.push(await readToken(files, directory, name).catch((error: unknown) => refusedBy(error)));
    }
    if (names.length > MAX_TOKENS)
      read.push(`${directory}: expected at most ${MAX_TOKENS} tokens, but saw ${names.length}`);
    return {
      tokens: read.filter((each) => typeof each !== 'string'),
      problems: read.filter((each) => typeof each === 'string'),
    };
  } catch (error) {
    return { tokens: [], problems: [refusedBy(error)] };
  }
};

const refusedBy = (error: unknown): string => {
  if (error instanceof DeviceError) return error.message;
  throw error;
};

/** undefined: it is none of these. */
export const tokenFor = (secret: string, tokens: readonly Token[]): Token | undefined => {
  const sum = sumOf(secret);
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(sum, token.sum)) found = token;
  return found;
};

/** Names of revisions and objects as they may appear in a path of the storage. */

const LOCAL_PREFIX = 'locals/';

/** Longest `<name>` of `locals/<name>`. */
export const LOCAL_NAME_LENGTH = 64;

// Narrower than Pantavisor, which takes any byte: these names become directories, log paths and boot variables.
const LOCAL_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;
const HUB_NAME = /^(0|[1-9][0-9]{0,18})$/;
const OBJECT_ID = /^[0-9a-f]{64}$/;

/** Why `name` cannot be the `<name>` of `locals/<name>`; undefined: it can. */
export const localNameProblem = (name: string): string | undefined => {
  if (name.length > LOCAL_NAME_LENGTH)
    return `expected a name of at most ${LOCAL_NAME_LENGTH} characters, but it has ${name.length}`;
  if (!LOCAL_NAME.test(name))
    return `expected letters, digits and . _ + - (not starting with . + -), but saw ${JSON.stringify(name)}`;
  return undefined;
};

/** `0` (factory), a decimal number given by the Hub, or `locals/<name>`. */
export const isRevision = (revision: string): boolean =>
  revision.startsWith(LOCAL_PREFIX)
    ? localNameProblem(revision.slice(LOCAL_PREFIX.length)) === undefined
    : HUB_NAME.test(revision);

export const localRevision = (name: string): string => LOCAL_PREFIX + name;

/** sha256 in lower-case hex, the only form an object is stored under. */
export const isObjectId = (id: string): boolean => OBJECT_ID.test(id);

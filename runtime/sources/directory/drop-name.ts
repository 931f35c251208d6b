/** Which files of the watched directory are drops, and what they are called. */

export interface DropName {
  /** Name in the directory. */
  readonly file: string;
  /** Without its ending: the `<name>` of `locals/<name>`, if it can be one. */
  readonly name: string;
  readonly kind: 'state' | 'tarball';
}

const STATUS_ENDING = '.status.json';
const ENDINGS = [
  ['.tar.gz', 'tarball'],
  ['.tgz', 'tarball'],
  ['.tar', 'tarball'],
  ['.json', 'state'],
] as const;

const NAME_MAX_BYTES = 255;

/** undefined: a name that long has no room for one. */
export const statusFileOf = (name: string): string | undefined =>
  Buffer.byteLength(name + STATUS_ENDING) > NAME_MAX_BYTES ? undefined : name + STATUS_ENDING;

/**
 * undefined: not a drop. Editors and copying programs write under other names first (`.x.json.swp`, `x.json~`,
 * `x.json.part`, `x.tmp`, `4913`, `#x.json#`); only hidden files would have an ending of ours.
 */
export const dropNameOf = (file: string): DropName | undefined => {
  if (file.startsWith('.') || file.startsWith('~') || file.endsWith(STATUS_ENDING)) return undefined;
  const found = ENDINGS.find(([ending]) => file.endsWith(ending));
  return found && { file, name: file.slice(0, -found[0].length), kind: found[1] };
};

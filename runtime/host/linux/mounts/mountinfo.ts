/**
 * What /proc/<pid>/mountinfo says (proc_pid_mountinfo(5)), as data. Pure.
 *
 * In: its text. Out: the mounts in table order, which is the order of mounting, and which of them a path leads into.
 */
export interface MountEntry {
  readonly id: number;
  readonly parent: number;
  /** `<major>:<minor>` of the file system. */
  readonly device: string;
  /** The directory or file of the file system that is the root of this mount. */
  readonly root: string;
  /** The kernel lost the name of `root`: it was removed. */
  readonly deleted: boolean;
  readonly target: string;
  /** Of this mount (`ro`, `nosuid`, …). */
  readonly options: readonly string[];
  readonly filesystem: string;
  readonly source: string;
  /** Of the file system. */
  readonly superOptions: readonly string[];
}

/** Space, tab, newline and backslash are written as `\040` and so on, in /proc/swaps as well. */
export const unescapeOctal = (text: string): string =>
  // Few paths have any, and a table has thousands.
  !text.includes('\\')
    ? text
    : text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

const DELETED = '//deleted';

/** undefined: not a line of a mountinfo table. */
const parseLine = (line: string): MountEntry | undefined => {
  const fields = line.split(' ');
  // Optional fields (`shared:1`) stand between the sixth field and a lone hyphen.
  const separator = fields.indexOf('-', 6);
  const [id, parent, device, root, target, options] = fields;
  const [filesystem, source, superOptions] = fields.slice(separator + 1);
  if (separator < 0 || id === undefined || parent === undefined || device === undefined) return undefined;
  if (root === undefined || target === undefined || options === undefined || filesystem === undefined) return undefined;
  const deleted = root.endsWith(DELETED);
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescapeOctal(deleted ? root.slice(0, -DELETED.length) : root),
    deleted,
    target: unescapeOctal(target),
    options: options.split(','),
    filesystem,
    source: unescapeOctal(source ?? ''),
    superOptions: (superOptions ?? '').split(','),
  };
};

export const parseMountinfo = (text: string): readonly MountEntry[] =>
  text.split('\n').flatMap((line) => parseLine(line) ?? []);

/** Whether `path` is `directory` or lies in it. Both absolute and normalised. */
export const isWithin = (path: string, directory: string): boolean =>
  path === directory || directory === '/' || path.startsWith(`${directory}/`);

/** Mount points strictly below a directory. */
export const mountsBelow = (entries: readonly MountEntry[], directory: string): readonly MountEntry[] =>
  entries.filter(({ target }) => target !== directory && isWithin(target, directory));

const byLength = (left: MountEntry, right: MountEntry): number => left.target.length - right.target.length;

/**
 * The mount that `path` leads into, as a path walk finds it: from the root through each mount point in turn, so that
 * what is hidden below a later mount is not seen.
 */
export const mountOf = (entries: readonly MountEntry[], path: string): MountEntry | undefined => {
  const ids = new Set(entries.map(({ id }) => id));
  const onTheWay = entries.filter(({ target }) => isWithin(path, target));
  let current = onTheWay.find(({ id, parent }) => parent === id || !ids.has(parent));
  for (;;) {
    const here = current;
    if (here === undefined) return undefined;
    // The walk meets the shortest mount point first.
    const [next] = onTheWay.filter(({ id, parent }) => parent === here.id && id !== here.id).sort(byLength);
    if (next === undefined) return here;
    current = next;
  }
};

/** The topmost visible mount exactly at `target`. */
export const mountAt = (entries: readonly MountEntry[], target: string): MountEntry | undefined => {
  const found = mountOf(entries, target);
  return found?.target === target ? found : undefined;
};

/** This mount and every mount on it, in table order: parents before children. */
export const subtreeOf = (entries: readonly MountEntry[], top: MountEntry): readonly MountEntry[] => {
  const ids = new Set([top.id]);
  for (let known = 0; known < ids.size; ) {
    known = ids.size;
    for (const { id, parent } of entries) if (ids.has(parent)) ids.add(id);
  }
  return entries.filter(({ id }) => ids.has(id));
};

const join = (directory: string, rest: string): string => {
  if (rest === '' || rest === '/') return directory;
  return directory === '/' ? rest : `${directory}${rest}`;
};

/** What is left of `path` below `directory`, with its leading slash; `` for the directory itself. */
const restBelow = (path: string, directory: string): string =>
  directory === '/' ? path : path.slice(directory.length);

/** Every visible path that leads to the root of `entry`, its own mount point excluded. */
export const namesOf = (entries: readonly MountEntry[], entry: MountEntry): readonly string[] => {
  if (entry.deleted) return [];
  const paths = entries
    .filter((other) => other.device === entry.device && !other.deleted && isWithin(entry.root, other.root))
    .map((other) => ({ other, path: join(other.target, restBelow(entry.root, other.root)) }))
    .filter(({ other, path }) => path !== entry.target && mountOf(entries, path) === other)
    .map(({ path }) => path);
  return [...new Set(paths)];
};

const signature = ({ id, device, root, deleted, options, superOptions }: MountEntry): string =>
  [id, device, root, deleted, options.join(), superOptions.join()].join(' ');

const signaturesByTarget = (entries: readonly MountEntry[]): ReadonlyMap<string, string> => {
  const signatures = new Map<string, string>();
  for (const entry of entries) {
    signatures.set(entry.target, `${signatures.get(entry.target) ?? ''}\n${signature(entry)}`);
  }
  return signatures;
};

/** Mount points at which anything changed between two tables. */
export const changedTargets = (before: readonly MountEntry[], after: readonly MountEntry[]): readonly string[] => {
  const old = signaturesByTarget(before);
  const now = signaturesByTarget(after);
  return [...new Set([...old.keys(), ...now.keys()])].filter((target) => old.get(target) !== now.get(target));
};

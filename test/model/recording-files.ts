/**
 * Files that write down what they would ask of a disk, so that every power cut can be played that the disk may make of it.
 *
 * In: the port's calls, passed on to real (simulated) files. Out: the steps in which they reach a disk, and what has to be
 * there after which of them. Names and data wait in memory until their file or directory is synced; until then any of
 * them may be there or not, in any order, data half. Synced is only what the port promises to be durable: a directory
 * that was made, a symlink, and what was removed wait for the next sync of the directory that they are in.
 */
import type { Files } from '../../runtime/host/host.ts';
import type { Entry, Tree } from './tree.ts';

interface Inode {
  readonly content: Buffer;
  readonly mode: number;
}
type Node = 'directory' | { readonly symlink: string } | Inode;

type Step =
  /** Content of a file that has no other yet. */
  | { readonly type: 'data'; readonly inode: Inode }
  /** Names of one directory that change at once; undefined: there is none any more. */
  | {
      readonly type: 'names';
      readonly directory: string;
      readonly names: readonly (readonly [string, Node | undefined])[];
    };

export interface Recording {
  readonly files: Files;
  /** What may be on the disk after a power cut, at any moment until now, each with the moment in words. */
  crashes(): Iterable<{ readonly tree: Tree; readonly when: string }>;
}

/** More than this many steps that may be there or not, and only the newest are taken apart. */
const MOST_PENDING = 9;

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** @param root of the storage, which `tree` is about. */
export const recordingFiles = (files: Files, root: string, tree: Tree): Recording => {
  const volatile = new Map<string, Node>([...tree].map(([path, entry]) => [path, nodeOf(entry)]));
  const log: { readonly step?: Step; readonly synced?: Inode | string; readonly what: string }[] = [];
  let temporaries = 0;
  const relative = (path: string): string | undefined =>
    path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;

  const names = (directory: string, changes: Extract<Step, { type: 'names' }>['names'], what: string): void => {
    for (const [path, node] of changes) {
      if (node === undefined) volatile.delete(path);
      else volatile.set(path, node);
    }
    log.push({ step: { type: 'names', directory, names: changes }, what });
  };
  const makeDirectories = (path: string): void => {
    if (path === '' || volatile.has(path)) return;
    const bare = path.slice(0, -1);
    makeDirectories(parentOf(bare));
    names(parentOf(bare), [[path, 'directory']], `make ${path}`);
  };
  /** A new file beside its place, renamed into it. */
  const replace = (path: string, node: Node, isDurable: boolean, what: string): void => {
    const directory = parentOf(path);
    temporaries += 1;
    const temporary = `${directory}.${path.slice(directory.length)}.pvtmp-1-${String(temporaries).padStart(8, '0')}`;
    names(directory, [[temporary, node]], what);
    if (typeof node === 'object' && 'content' in node && !isKnown(node)) {
      log.push({ step: { type: 'data', inode: node }, what });
      log.push({ synced: node, what });
    }
    names(
      directory,
      [
        [temporary, undefined],
        [path, node],
      ],
      what,
    );
    if (isDurable) log.push({ synced: directory, what });
  };
  const known = new Set<Inode>();
  const isKnown = (inode: Inode): boolean => {
    const isOld = known.has(inode);
    known.add(inode);
    return isOld;
  };
  for (const node of volatile.values()) if (typeof node === 'object' && 'content' in node) known.add(node);

  /** Leaves first, as rm does. */
  const remove = (path: string): void => {
    const inner = [...volatile.keys()].filter((each) => each.startsWith(`${path}/`)).reverse();
    for (const each of [...inner, path].filter((name) => volatile.has(name))) {
      names(parentOf(each.replace(/\/$/, '')), [[each, undefined]], `remove ${each}`);
    }
  };

  const recorded: Files = {
    ...files,
    makeDirectory: async (path, mode) => {
      await files.makeDirectory(path, mode);
      const at = relative(path);
      if (at !== undefined) makeDirectories(`${at}/`);
    },
    write: async (path, content, mode) => {
      await files.write(path, content, mode);
      const at = relative(path);
      if (at !== undefined) replace(at, { content: Buffer.from(content), mode }, true, `write ${at}`);
    },
    link: async (existing, path) => {
      await files.link(existing, path);
      const [from, at] = [relative(existing), relative(path)];
      const node = from === undefined ? undefined : volatile.get(from);
      if (at === undefined || node === undefined || volatile.get(at) === node) return;
      replace(at, node, true, `link ${at}`);
    },
    symlink: async (target, path) => {
      await files.symlink(target, path);
      const at = relative(path);
      if (at !== undefined) replace(at, { symlink: target }, false, `symlink ${at}`);
    },
    remove: async (path) => {
      await files.remove(path);
      const at = relative(path);
      if (at !== undefined) remove(at);
    },
    rename: async (from, to) => notRecorded('rename', from, to),
    writeStream: async (path) => notRecorded('writeStream', path),
    append: async (path) => notRecorded('append', path),
    copyTree: async (from) => notRecorded('copyTree', from),
  };
  return { files: recorded, crashes: () => crashesOf(tree, log) };
};

const notRecorded = (...what: readonly string[]): never => {
  throw new Error(`an update is not expected to ${what.join(' ')}: teach it to the recording`);
};

const nodeOf = (entry: Entry): Node => {
  if (entry === 'directory') return entry;
  return entry.type === 'symlink' ? { symlink: entry.target } : { content: entry.content, mode: entry.mode };
};

type Log = readonly { readonly step?: Step; readonly synced?: Inode | string; readonly what: string }[];

/** How much of a file's data is there. */
type Amount = 'all' | 'half' | 'none';

function* crashesOf(first: Tree, log: Log): Generator<{ readonly tree: Tree; readonly when: string }> {
  let disk = new Map<string, Node>([...first].map(([path, entry]) => [path, nodeOf(entry)]));
  let pending: Step[] = [];
  for (const [index, { step, synced, what }] of log.entries()) {
    if (step !== undefined) pending.push(step);
    if (synced !== undefined) {
      const isDone = (each: Step): boolean => isSynced(each, synced);
      disk = applied(disk, pending.filter(isDone));
      pending = pending.filter((each) => !isDone(each));
    }
    const open = pending.slice(-MOST_PENDING);
    const before = applied(disk, pending.slice(0, pending.length - open.length));
    for (let choice = 0; choice < 2 ** open.length; choice += 1) {
      const chosen = open.filter((_, bit) => (choice & (1 << bit)) !== 0);
      const isData = chosen.some(({ type }) => type === 'data');
      for (const amount of isData ? (['all', 'half'] as const) : (['all'] as const)) {
        const when = `at step ${index} (${what}), with ${chosen.length} of ${pending.length} unsynced steps done`;
        yield { tree: treeFrom(applied(before, chosen), chosen, pending, amount), when };
      }
    }
  }
}

/** A directory that was synced is there itself, and so is what it is in. */
const isSynced = (step: Step, synced: Inode | string): boolean => {
  if (step.type === 'data') return step.inode === synced;
  if (typeof synced !== 'string') return false;
  return (
    step.directory === synced || step.names.some(([path, node]) => node === 'directory' && synced.startsWith(path))
  );
};

const applied = (disk: ReadonlyMap<string, Node>, steps: readonly Step[]): Map<string, Node> => {
  const after = new Map(disk);
  for (const step of steps) {
    if (step.type === 'data') continue;
    for (const [path, node] of step.names) {
      if (node === undefined) after.delete(path);
      else after.set(path, node);
    }
  }
  return after;
};

/** What has a name in a directory that is not there is not there; a file whose data did not come is empty. */
const treeFrom = (
  disk: ReadonlyMap<string, Node>,
  chosen: readonly Step[],
  pending: readonly Step[],
  amount: Amount,
): Tree => {
  const waiting = new Map<Inode, Amount>();
  for (const step of pending)
    if (step.type === 'data') waiting.set(step.inode, chosen.includes(step) ? amount : 'none');
  const tree = new Map<string, Entry>();
  for (const path of [...disk.keys()].sort()) {
    const node = disk.get(path);
    const parent = parentOf(path.replace(/\/$/, ''));
    if (node === undefined || (parent !== '' && !tree.has(parent))) continue;
    tree.set(path, entryOf(node, waiting));
  }
  return tree;
};

const entryOf = (node: Node, waiting: ReadonlyMap<Inode, Amount>): Entry => {
  if (node === 'directory') return node;
  if ('symlink' in node) return { type: 'symlink', target: node.symlink };
  const shares = { all: 1, half: 0.5, none: 0 };
  const length = Math.floor(node.content.length * shares[waiting.get(node) ?? 'all']);
  return {
    type: 'file',
    content: length === node.content.length ? node.content : node.content.subarray(0, length),
    mode: node.mode,
  };
};

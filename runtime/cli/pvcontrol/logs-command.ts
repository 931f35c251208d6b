/** `pvcontrol logs`: what containers and pantavisor said, and what they say. */
import { type FSWatcher, watch } from 'node:fs';
import { styleText } from 'node:util';
import { ClientError } from './client.ts';
import { type Choice, filesOf, findLogDirectory, isChosen, type LogFile, treeOf } from './log-directory.ts';
import { LogTail, type Place } from './log-tail.ts';
import type { GlobalOptions } from './question.ts';
import { hasColours, untilInterrupted } from './screen.ts';

export interface LogsOptions {
  readonly follow?: true;
  readonly lines?: string;
  readonly dir?: string;
  readonly revision?: string;
}

/** Of each log, when there are several. */
const DEFAULT_LINES = 20;
const SETTLE_MS = 20;
const COLOURS = ['cyan', 'green', 'yellow', 'blue', 'magenta', 'red'] as const;

/** undefined: all. @throws ClientError */
const linesWanted = (text: string | undefined): number | undefined | 'default' => {
  if (text === undefined) return 'default';
  if (text === 'all') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ClientError(`-n is ${JSON.stringify(text)}, expected a number of lines, or all`);
};

const colourOf = (name: string): (typeof COLOURS)[number] => {
  const sum = [...name].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0);
  return COLOURS[sum % COLOURS.length] ?? 'cyan';
};

/** What a container writes must not move the cursor of whoever reads it. */
const shown = (line: string): string => {
  const plain = line.replace(/\r$/, '');
  return process.stdout.isTTY === true ? plain.replace(/[^\P{Cc}\t]/gu, '\u{fffd}') : plain;
};

type Print = (file: LogFile, lines: readonly string[]) => void;

const printer = ({ json }: GlobalOptions, isAlone: () => boolean): Print => {
  const labelOf = ({ container, source }: LogFile): string => {
    const name = container === '' ? source : `${container} ${source}`;
    return hasColours() ? styleText(colourOf(container), name) : name;
  };
  return (file, lines) => {
    if (lines.length === 0) return;
    const label = isAlone() ? '' : `${labelOf(file)} | `;
    const { container, source } = file;
    const text = lines.map((line) =>
      json === true ? JSON.stringify({ platform: container, src: source, msg: line }) : `${label}${shown(line)}`,
    );
    process.stdout.write(`${text.join('\n')}\n`);
  };
};

/** The logs that are open: of the revision shown now, and of the one before it, whose last lines may still come. */
class Reading {
  readonly #directory: string;
  readonly #revision: string | undefined;
  readonly #choice: Choice;
  readonly #print: Print;
  readonly #tails = new Map<string, Tail>();
  /** Where to go on in logs that were closed: their revision may run again. */
  readonly #closed = new Map<string, Place>();
  /** The tree that is shown, and the one shown before it. */
  #trees: readonly Tree[] = [];

  constructor(directory: string, revision: string | undefined, choice: Choice, print: Print) {
    this.#directory = directory;
    this.#revision = revision;
    this.#choice = choice;
    this.#print = print;
  }

  /** Those to be watched. */
  get directories(): readonly string[] {
    return [...new Set([this.#directory, ...this.#trees.flatMap(({ directories }) => directories)])];
  }

  chosen(): readonly LogFile[] {
    const tree = treeOf(this.#directory, this.#revision);
    const { files, directories } = filesOf(tree);
    const now = { root: tree.directory, directories, files: files.filter((file) => isChosen(file, this.#choice)) };
    const before = this.#trees.find(({ root }) => root !== now.root);
    this.#trees = before === undefined ? [now] : [now, before];
    return now.files;
  }

  /** Prints what there is of new logs, at most `count` lines each, and what was added to the others. */
  advance(count: number | undefined): void {
    // A line of the next revision is written after the last one of the revision before it: so the next is read first,
    // and printed last.
    const next = this.chosen().map((file) => ({ file, lines: this.#linesOf(file, count) }));
    const paths = new Set(next.map(({ file }) => file.path));
    for (const [path, { file, tail }] of this.#tails) if (!paths.has(path)) this.#print(file, tail.more());
    for (const { file, lines } of next) this.#print(file, lines);
    this.#closeOld();
  }

  endings(): void {
    for (const file of this.chosen()) this.#print(file, this.#tails.get(file.path)?.tail.ending() ?? []);
  }

  #linesOf(file: LogFile, count: number | undefined): readonly string[] {
    const known = this.#tails.get(file.path);
    if (known !== undefined) return known.tail.more();
    try {
      const place = this.#closed.get(file.path);
      const tail = new LogTail(file.path, place);
      this.#closed.delete(file.path);
      this.#tails.set(file.path, { file, tail });
      return place === undefined ? tail.last(count) : tail.more();
    } catch (error) {
      // Rotated since it was listed: its successor is found at the next change.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }

  #closeOld(): void {
    const roots = this.#trees.map(({ root }) => root);
    for (const [path, { tail }] of this.#tails) {
      if (roots.some((root) => path.startsWith(`${root}/`))) continue;
      this.#closed.set(path, tail.close());
      this.#tails.delete(path);
    }
  }
}

interface Tail {
  readonly file: LogFile;
  readonly tail: LogTail;
}

interface Tree {
  readonly root: string;
  readonly directories: readonly string[];
  readonly files: readonly LogFile[];
}

/** Calls back soon after anything changed in the directories, which may be others then. Until the signal. */
const watching = (reading: Reading, changed: () => void, signal: AbortSignal): Promise<void> => {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const update = (): void => {
    const wanted = new Set(reading.directories);
    for (const [path, watcher] of watchers)
      if (!wanted.has(path)) {
        watcher.close();
        watchers.delete(path);
      }
    for (const path of wanted) if (!watchers.has(path)) watchers.set(path, watch(path, soon).on('error', soon));
  };
  const now = (): void => {
    timer = undefined;
    changed();
    update();
  };
  const soon = (): void => {
    timer ??= setTimeout(now, SETTLE_MS);
  };
  update();
  soon(); // what came before it watched
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      resolve();
    });
  });
};

export const logs = async (
  container: string | undefined,
  sources: readonly string[],
  options: LogsOptions,
  globals: GlobalOptions,
): Promise<void> => {
  const wanted = linesWanted(options.lines);
  const directory = await findLogDirectory(options.dir, globals.s, process.env);
  const choice: Choice = { sources, ...(container === undefined ? {} : { container }) };
  let isAlone = false;
  const reading = new Reading(
    directory,
    options.revision,
    choice,
    printer(globals, () => isAlone),
  );
  const found = reading.chosen();
  if (found.length === 0 && options.follow !== true)
    throw new ClientError(`no such log in ${directory}: expected one of ${namesIn(directory, options.revision)}`);
  isAlone = found.length === 1 && sources.length === 1;
  reading.advance(wanted === 'default' ? (isAlone ? undefined : DEFAULT_LINES) : wanted);
  if (options.follow === true) await watching(reading, () => reading.advance(undefined), untilInterrupted());
  else reading.endings();
};

const MAX_NAMES = 20;

const namesIn = (directory: string, revision: string | undefined): string => {
  const { files } = filesOf(treeOf(directory, revision));
  const names = files.map(({ container, source }) => `${container} ${source}`.trim());
  return names.length === 0 ? 'none, there are no logs yet' : names.slice(0, MAX_NAMES).join(', ');
};

/**
 * The order of writing, syncing and renaming, as Node's own trace of file system calls has it: a power cut is survived
 * only in this order, and no other test would notice a sync that is missing.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isInMemory } from '../../../../../runtime/host/linux/files/in-memory.ts';

const WRITING = resolve(import.meta.dirname, '../../../../../runtime/host/linux/files/writing.ts');
const CACHE = resolve(import.meta.dirname, '../../../../../.cache');
/** Nothing is synced in memory, where there is nothing to be lost. */
const onDisk = (): string | undefined => {
  mkdirSync(CACHE, { recursive: true });
  return [tmpdir(), CACHE, '/var/tmp'].find((place) => !isInMemory(place));
};
const place = onDisk();

interface TraceEvent {
  readonly ph: string;
  readonly cat: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(place ?? tmpdir(), 'pvtest-writing-'));
  mkdirSync(join(directory, 'other'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Names of our directory, as in `open <directory>`; a temporary file is `new`. */
const shown = (path: unknown): string => {
  const name = basename(String(path));
  return name.startsWith('.') ? 'new' : name === basename(directory) ? 'directory' : name;
};
const sentence = ({ name, args }: TraceEvent): string => {
  if (args['old_path'] !== undefined) return `${name} ${shown(args['old_path'])} to ${shown(args['new_path'])}`;
  return args['path'] === undefined ? name : `${name} ${shown(args['path'])}`;
};

/** What the code asks of the file system, in the order in which it asks. */
const traced = (code: string): readonly string[] => {
  const trace = join(directory, 'other', 'trace.json');
  const program = `import * as writing from ${JSON.stringify(WRITING)};\nconst at = (name) => ${JSON.stringify(`${directory}/`)} + name;\n${code}`;
  const options = ['--trace-event-categories', 'node.fs.async', '--trace-event-file-pattern', trace];
  execFileSync(process.execPath, [...options, '--input-type=module', '-e', program], { cwd: directory });
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: readonly TraceEvent[] };
  return traceEvents
    .filter(({ ph, cat }) => ph === 'b' && cat.includes('node.fs.async'))
    .map(sentence)
    .filter((each) => /^(open|write|fchmod|fsync|close|rename|link|symlink)\b/.test(each));
};

const WHOLE_FILE = ['open new', 'write', 'fchmod', 'fsync', 'close'];
const INTO_PLACE = ['rename new to file', 'open directory', 'fsync', 'close'];

describe.skipIf(place === undefined)('on a disk', () => {
  it('a file is whole and synced before it has its name, and then the name is synced', () => {
    expect(traced("await writing.write(at('file'), 'content', 0o644);")).toEqual([...WHOLE_FILE, ...INTO_PLACE]);
  });

  it('so is a file that is written as it comes', () => {
    const code = `async function* content() { yield Buffer.from('one'); yield Buffer.from('two'); }
await writing.writeStream(at('file'), content(), { mode: 0o644, maxBytes: 100 });`;
    expect(traced(code)).toEqual(['open new', 'write', 'write', 'fchmod', 'fsync', 'close', ...INTO_PLACE]);
  });

  it('a renamed file has its new name on the disk before the old one is gone from it', () => {
    const code = `await writing.write(at('a'), 'content', 0o644);
await writing.rename(at('a'), at('other/b'));`;
    expect(traced(code).slice(-7)).toEqual([
      'rename a to b',
      ...['open other', 'fsync', 'close'],
      ...['open directory', 'fsync', 'close'],
    ]);
  });

  it('a link and a symlink are put into their places in one step, which is synced', () => {
    const code = `await writing.write(at('a'), 'content', 0o644);
await writing.link(at('a'), at('file'));`;
    expect(traced(code).slice(-5)).toEqual([expect.stringMatching(/^link/), ...INTO_PLACE]);
    rmSync(join(directory, 'file'));
    expect(traced("await writing.symlink('target', at('file'));")).toEqual([
      expect.stringMatching(/^symlink/),
      ...INTO_PLACE,
    ]);
  });
});

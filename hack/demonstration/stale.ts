/** Directories of demos that were killed before they could clean up (kill -9, a closed machine). */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PREFIX = 'pantavisor-demo-';

const ownerFile = (directory: string): string => join(directory, 'owner');

/** Start time in clock ticks (proc(5), field 22): with it a reused pid is not taken for the owner. */
function startOf(pid: string): string | undefined {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat)
    ? readFileSync(stat, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19]
    : undefined;
}

export const own = (directory: string): void =>
  writeFileSync(ownerFile(directory), `${process.pid} ${startOf(String(process.pid))}`);

export const staleDirectories = (): readonly string[] =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter((directory) => {
      if (!existsSync(ownerFile(directory))) return false; // being made right now
      const [pid = '', start] = readFileSync(ownerFile(directory), 'utf8').split(' ');
      return startOf(pid) !== start;
    });

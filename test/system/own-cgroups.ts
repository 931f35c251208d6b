/** Names of cgroups that the tests of this run make, kept in the run's own temporary directory (leaks.ts). */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const file = (): string => join(tmpdir(), 'cgroups');

/** Before the cgroup is made, in any worker. */
export const registerCgroup = (name: string): void => appendFileSync(file(), `${name}\n`);

export const registeredCgroups = (): readonly string[] =>
  existsSync(file()) ? [...new Set(readFileSync(file(), 'utf8').split('\n').filter(Boolean))] : [];

/**
 * Around all system tests: whatever they put on the machine must be gone at the end, or the run fails.
 *
 * Every run has a temporary directory of its own, inherited by all of its processes as TMPDIR, so that its path marks
 * everything the run makes: paths of mounts, backing files, swap areas, and the environment of processes. The names
 * of cgroups carry no path; those who make one register it (own-cgroups.ts). Others on the machine are never looked at.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { reportError } from '../../hack/error-reporter.ts';
import { tracesOf } from '../../hack/traces.ts';
import { registeredCgroups } from './own-cgroups.ts';

/** LXC removes its cgroups after init's end is known, and autoclear detaches loop devices after the unmount returned. */
const SETTLE_MS = 20_000;

const outer = tmpdir();
let own = '';
let project = '';

/** As mkdtemp makes them. The last two steps of a test may still be to remove its own. */
const directories = (): readonly string[] =>
  readdirSync(own)
    .filter((name) => /^pvtest-.*[- ][A-Za-z0-9]{6}$|^pvtest-[A-Za-z0-9]{6}$/.test(name))
    .map((name) => `directory ${join(own, name)}`);

/** vitest's own workers have the mark too, and end only after this. */
const isOurs = (trace: string): boolean => !/^process \d+: .*(vitest|esbuild)/.test(trace);

const leaks = (): readonly string[] =>
  [...tracesOf([own], registeredCgroups()), ...directories()].filter((trace) => isOurs(trace));

export function setup(of: TestProject): void {
  project = of.name;
  own = mkdtempSync(join(outer, 'pv-'));
  process.env['TMPDIR'] = own;
}

/** @throws Error naming every leak; vitest then exits with a failure. */
export async function teardown(): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MS;
  while (leaks().length > 0 && performance.now() < giveUpAt) await sleep(100);
  const left = leaks();
  process.env['TMPDIR'] = outer;
  if (left.length === 0) return rmSync(own, { recursive: true });
  const message = `the system tests left behind:\n  ${left.join('\n  ')}`;
  // vitest's report has no place for what is wrong after the last test; hack/test shows it at the end.
  reportError(project, message);
  throw new Error(message);
}

/**
 * Around all system tests: whatever they put on the machine must be gone at the end, or the run fails.
 *
 * Paths that tests make carry `pvtest-` in their name; processes are known by a variable that every child inherits.
 * Told apart from another run on the same machine only by those, so what carries the mark already is let be.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceCgroups, tracesOf } from '../../hack/traces.ts';

const PATH_MARK = 'pvtest-';
/** LXC removes its cgroups after init's end is known, and autoclear detaches loop devices after the unmount returned. */
const SETTLE_MS = 5_000;

/** As mkdtemp makes them; what a person calls pvtest-something is that person's. */
const directories = (): readonly string[] =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith(PATH_MARK) && /[- ][A-Za-z0-9]{6}$/.test(name))
    .map((name) => `directory ${tmpdir()}/${name}`);

const tag = `PVTEST_RUN=${process.pid}-${Date.now()}`;
let tracesBefore: readonly string[] = [];
let cgroupsBefore: readonly string[] = [];

const now = (): readonly string[] => [...tracesOf([PATH_MARK, tag], cgroupsBefore), ...directories()];

/** vitest's own workers carry the tag too, and end only after this. */
const isOurs = (trace: string): boolean => !/^process \d+: .*(vitest|esbuild)/.test(trace);

const leaks = (): readonly string[] => now().filter((trace) => !tracesBefore.includes(trace) && isOurs(trace));

export function setup(): void {
  const [name, value] = tag.split('=');
  if (name !== undefined) process.env[name] = value;
  cgroupsBefore = deviceCgroups();
  tracesBefore = now();
}

/** @throws Error naming every leak; vitest then exits with a failure. */
export async function teardown(): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MS;
  while (leaks().length > 0 && performance.now() < giveUpAt) await sleep(100);
  const left = leaks();
  if (left.length > 0) throw new Error(`the system tests left behind:\n  ${left.join('\n  ')}`);
}

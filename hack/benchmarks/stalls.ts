/** The event loop of a daemon as it is measured from inside; see stalls.mjs. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PROBE = resolve(import.meta.dirname, 'stalls.mjs');

/** Where the daemon may leave a note. */
interface Place {
  readonly directory: string;
}

const fileOf = ({ directory }: Place): string => join(directory, 'stalls.json');

/** Settings that load the probe into a daemon. */
export const probed = (device: Place): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=${PROBE}`,
  PV_BENCH_STALLS: fileOf(device),
});

/** Since the last time, in milliseconds. */
export async function longestStall(device: Place, daemon: { readonly pid: number }): Promise<number> {
  const file = fileOf(device);
  rmSync(file, { force: true });
  process.kill(daemon.pid, 'SIGUSR2');
  while (!existsSync(file) || readFileSync(file).length === 0) await sleep(5);
  return Number(JSON.parse(readFileSync(file, 'utf8')).maxMs);
}

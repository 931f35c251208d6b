/** Runs the blocking client (client.ts) in a process of its own, so that neither side's event loop is in the other's way. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const CLIENT = resolve(import.meta.dirname, 'client.ts');
/** Ten thousand latencies as text. */
const MAX_OUTPUT_BYTES = 16 << 20;
const execute = promisify(execFile);

async function run<T>(...parameters: readonly string[]): Promise<T> {
  const { stdout } = await execute(process.execPath, [CLIENT, ...parameters], { maxBuffer: MAX_OUTPUT_BYTES });
  return JSON.parse(stdout) as T; // our own program's
}

export interface Burst {
  readonly lastedMs: number;
  readonly latencies: readonly number[];
}

/** One after the other, each on a new connection. */
export const getAgain = (socket: string, path: string, times: number): Promise<Burst> =>
  run(socket, 'get', path, String(times));

/** @returns milliseconds. */
export const upload = async (socket: string, file: string, id: string): Promise<number> =>
  (await run<{ lastedMs: number }>(socket, 'upload', file, id)).lastedMs;

/** @returns milliseconds. */
export const download = async (socket: string, id: string): Promise<number> =>
  (await run<{ lastedMs: number }>(socket, 'download', id)).lastedMs;

/** `clients` at the same time, `times` objects in all. @returns milliseconds from the first request to the last answer. */
export async function uploadSmall(socket: string, seed: string, times: number, clients: number): Promise<number> {
  const all = await Promise.all(
    Array.from({ length: clients }, (_, index) =>
      run<{ beganAtMs: number; endedAtMs: number }>(socket, 'small', `${seed}.${index}`, String(times / clients)),
    ),
  );
  return Math.max(...all.map(({ endedAtMs }) => endedAtMs)) - Math.min(...all.map(({ beganAtMs }) => beganAtMs));
}

/** A daemon under attack: whether the operator is served meanwhile, and what it costs the daemon. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { get } from '../http.ts';

const ATTACKER = resolve(import.meta.dirname, 'attacker.ts');
const EVERY_MS = 10;

export interface Besieged {
  readonly run: string;
  readonly pid: number;
  /** How long its event loop was held up since it was asked last, in ms. */
  longestStall(): Promise<number>;
}

export interface Siege {
  readonly attack: string;
  /** Requests of the operator meanwhile. */
  readonly served: number;
  readonly refused: number;
  /** The longest that one of them took. */
  readonly longestMs: number;
  readonly stallMs: number;
  /** Of the daemon, above what it had before, at its most. */
  readonly growthMb: number;
}

const memoryMb = (pid: number, name: 'VmRSS' | 'VmHWM'): number => {
  const [, kilobytes] =
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kilobytes) * 1024) / 1_000_000;
};

/** Where more wait to be accepted than the kernel lets wait, a client that blocks would wait, too. */
async function patiently(socket: string): Promise<void> {
  for (;;) {
    try {
      await get(socket, '/containers');
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(1);
    }
  }
}

/** Until the attack is over. @throws Error when the daemon has ended. */
export async function besiege({ run, pid, longestStall }: Besieged, attack: string): Promise<Siege> {
  const socket = join(run, 'pv-ctrl');
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // forgets the peak so far
  const before = memoryMb(pid, 'VmRSS');
  await longestStall();
  const attacker = spawn(process.execPath, [ATTACKER, attack, run], { stdio: ['ignore', 'ignore', 'inherit'] });
  const over = once(attacker, 'exit');
  const latencies: number[] = [];
  let refused = 0;
  while (attacker.exitCode === null && attacker.signalCode === null) {
    const askedAtMs = performance.now();
    try {
      await patiently(socket);
      latencies.push(performance.now() - askedAtMs);
    } catch {
      refused += 1; // told in the report
    }
    await sleep(EVERY_MS);
  }
  await over;
  if (attacker.exitCode !== 0) throw new Error(`the attack "${attack}" failed itself`);
  await get(socket, '/containers');
  return {
    attack,
    served: latencies.length,
    refused,
    longestMs: Math.max(...latencies),
    stallMs: await longestStall(),
    growthMb: memoryMb(pid, 'VmHWM') - before,
  };
}

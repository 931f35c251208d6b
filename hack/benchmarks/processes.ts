/** What processes use, from /proc: memory, CPU time, wake-ups, bytes written. */
import { readdirSync, readFileSync } from 'node:fs';
import { markedProcesses } from '../traces.ts';

export interface Memory {
  readonly rssMb: number;
  readonly pssMb: number;
  readonly privateDirtyMb: number;
}

const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => field(text, name) / 1024;
  return { rssMb: mb('Rss'), pssMb: mb('Pss'), privateDirtyMb: mb('Private_Dirty') };
}

/** The daemon and what it keeps resident: monitors and the holder. What runs in containers is not ours. */
export const residentProcesses = (directory: string): readonly number[] =>
  markedProcesses([`${directory}/`]).filter((pid) => /node|lxc-start|\[lxc monitor\]|fifo-holder/.test(commandOf(pid)));

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

export interface Activity {
  /** Times that a thread had slept and was run again, by name and number of the thread. */
  readonly wakeUps: ReadonlyMap<string, number>;
  /** Of 10 ms. */
  readonly cpuTicks: number;
  /** What was handed to a disk. */
  readonly writtenBytes: number;
  readonly writeCalls: number;
}

export function activityOf(pid: number): Activity {
  const wakeUps = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const name = /^Name:\s+(.*)$/m.exec(text)?.[1] ?? '';
    wakeUps.set(Number(thread) === pid ? 'event loop' : `${name} ${thread}`, field(text, 'voluntary_ctxt_switches'));
  }
  // proc_pid_stat(5): utime and stime are the 12th and 13th after the name in parentheses.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    wakeUps,
    cpuTicks: Number(stat[11]) + Number(stat[12]),
    writtenBytes: field(io, 'write_bytes'),
    writeCalls: field(io, 'syscw'),
  };
}

/** A device that has nothing to do: what it takes, and that it does nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { type Activity, activityOf, memoryOf, residentProcesses } from '../processes.ts';
import { withDevice } from './rig.ts';

const COUNTS = [1, 5, 20];
const PSS_GOALS: Readonly<Record<number, number>> = { 1: 60, 5: 62, 20: 75 };
const RSS_GOAL = 75;
const DIRTY_GOAL = 30;
/** The daemon has given memory back by then. */
const CALM_MS = 5_000;
/** Deadlines of what was done last (60 s at most) are cancelled, but Node has asked the kernel to be woken for them. */
const LAST_DEADLINE_MS = 75_000;
const QUIET_MS = 60_000;

const measure = (context: Context, count: number): Promise<readonly Figure[]> =>
  withDevice(context, count, async (device) => {
    // Mounts that others make on this machine would wake the daemon: it gets a mount table of its own.
    const daemon = await device.start({ by: ['unshare', '--mount', '--propagation', 'private'] });
    await answers(device.socket);
    await daemon.started(count);
    await sleep(CALM_MS, undefined, { signal: context.signal });
    const processes = residentProcesses(device.directory);
    const { rssMb, privateDirtyMb, pssMb } = memoryOf(daemon.pid);
    const sumPss = processes.reduce((sum, pid) => sum + memoryOf(pid).pssMb, 0);
    const name = (what: string): string => `${what}, N = ${count}`;
    const goal = (value: number | undefined) => (value === undefined ? {} : { goal: value });
    const all: Figure[] = [
      { name: name('processes'), unit: 'processes', values: [processes.length], goal: 2 + count },
      { name: name('Σ PSS'), unit: 'MB', values: [sumPss], ...goal(PSS_GOALS[count]) },
      { name: name('daemon: PSS'), unit: 'MB', values: [pssMb] },
      { name: name('daemon: RSS'), unit: 'MB', values: [rssMb], goal: RSS_GOAL },
      { name: name('daemon: private dirty'), unit: 'MB', values: [privateDirtyMb], goal: DIRTY_GOAL },
    ];
    if (count === Math.max(...COUNTS)) all.push(...(await quiet(context, daemon.pid)));
    context.say(
      `idle, ${count}: ${processes.length} processes, Σ PSS ${sumPss.toFixed(1)}, RSS ${rssMb.toFixed(1)}, private dirty ${privateDirtyMb.toFixed(1)} MB`,
    );
    return all;
  });

async function quiet({ quick, signal }: Context, pid: number): Promise<readonly Figure[]> {
  const lastsMs = quick ? 5_000 : QUIET_MS;
  if (!quick) await sleep(LAST_DEADLINE_MS, undefined, { signal });
  const before = activityOf(pid);
  await sleep(lastsMs, undefined, { signal });
  const after = activityOf(pid);
  const over = `in ${lastsMs / 1000} s`;
  const others = [...after.wakeUps].reduce(
    (sum, [thread, times]) => (thread === 'event loop' ? sum : sum + times - (before.wakeUps.get(thread) ?? 0)),
    0,
  );
  const difference = (of: (activity: Activity) => number): readonly number[] => [of(after) - of(before)];
  return [
    {
      name: `wake-ups of the event loop ${over}`,
      unit: 'wake-ups',
      goal: 0,
      values: difference(({ wakeUps }) => wakeUps.get('event loop') ?? 0),
    },
    { name: `wake-ups of all other threads ${over}`, unit: 'wake-ups', goal: 0, values: [others] },
    { name: `CPU time ${over}`, unit: 'ticks', goal: 0, values: difference(({ cpuTicks }) => cpuTicks) },
    {
      name: `bytes written to a disk ${over}`,
      unit: 'bytes',
      goal: 0,
      values: difference(({ writtenBytes }) => writtenBytes),
    },
    { name: `calls of write ${over}`, unit: 'calls', goal: 0, values: difference(({ writeCalls }) => writeCalls) },
  ];
}

export const idle: Section = {
  name: 'idle',
  title: 'Idle',
  method:
    'From /proc, 5 s after the last start; the minute of quiet begins 80 s after it, when every deadline of what was done last is over. Processes: the daemon, the holder of the monitor FIFO, and a monitor per container; what runs in containers is not counted. Wake-ups are voluntary context switches of each thread, CPU ticks are 10 ms. The daemon is in a mount namespace of its own, because a change of the mount table by anybody else on the machine wakes it. One run each: these hardly vary.',
  run: async (context) => {
    const all: Figure[] = [];
    for (const count of COUNTS) all.push(...(await measure(context, count)));
    return all;
  },
};

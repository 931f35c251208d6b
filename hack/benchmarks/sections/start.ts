/** From the start of the process to running containers, and the floor beside it, in turns. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { sweep } from '../../demonstration/sweep.ts';
import { answers, benchDevice, newDirectory } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { floor, type Way } from '../floor.ts';
import { benchState, stage } from '../guest.ts';
import { hasCrun } from '../machine.ts';
import { median } from '../statistics.ts';
import { withImage } from './rig.ts';

const COUNTS = [1, 5, 20];
const STARTED_GOALS: Readonly<Record<number, number>> = { 1: 250, 5: 280, 20: 400 };
const READY_GOAL = 200;
/** What a machine has not got is left out. */
const WAYS: readonly Way[] = hasCrun() ? ['lxc', 'lxc-start', 'crun'] : ['lxc', 'lxc-start'];

interface Round {
  readonly kept: number;
  readonly first: number;
  readonly ready: number;
  readonly ways: readonly number[];
}

async function rounds(context: Context, image: Buffer, count: number): Promise<readonly Round[]> {
  const { program, say, signal } = context;
  const device = benchDevice(program, (marks) => ({ revision: benchState(image, marks, count) }));
  const place = newDirectory();
  try {
    const byHand = floor(place, image, count);
    const once = async (isFirstBoot: boolean): Promise<{ ready: number; started: number }> => {
      if (isFirstBoot) {
        rmSync(device.storage, { recursive: true });
        stage(device.storage, benchState(image, device.marks, count));
      }
      const daemon = await device.start();
      const ready = (await answers(device.socket)) - daemon.startedAtMs;
      const started = (await daemon.started(count)) - daemon.startedAtMs;
      await daemon.stop();
      return { ready, started };
    };
    const results: Round[] = [];
    for (let round = -1; round < context.rounds; round += 1) {
      signal.throwIfAborted();
      const first = await once(true);
      const kept = await once(false);
      const ways: number[] = [];
      for (const way of WAYS) ways.push(await byHand.run(way, count));
      say(
        `start, ${count}: ready ${kept.ready.toFixed(0)}, started ${kept.started.toFixed(0)}; ${WAYS.map((way, index) => `${way} ${ways[index]?.toFixed(0)}`).join(', ')} ms`,
      );
      if (round >= 0) results.push({ kept: kept.started, first: first.started, ready: kept.ready, ways });
    }
    return results;
  } finally {
    await device.remove();
    await sweep(place);
    rmSync(join('/run/lxc', place), { recursive: true, force: true });
  }
}

const figures = (count: number, all: readonly Round[]): readonly Figure[] => {
  const ms = (name: string, of: (round: Round) => number, goal?: number): Figure => ({
    name: `${name}, N = ${count}`,
    unit: 'ms',
    values: all.map(of),
    ...(goal === undefined ? {} : { goal }),
  });
  const lxc = WAYS.indexOf('lxc');
  return [
    ms('process start → all STARTED, storage kept', ({ kept }) => kept, STARTED_GOALS[count]),
    ms('process start → all STARTED, first boot', ({ first }) => first, STARTED_GOALS[count]),
    ms('process start → control socket answers', ({ ready }) => ready, READY_GOAL),
    ms('control socket answers → all STARTED', ({ kept, ready }) => kept - ready),
    ms('floor: loop, tmpfs, overlay and lxc-start by hand', ({ ways }) => ways[lxc] ?? Number.NaN),
    ms('floor: lxc-start alone, mounts already made', ({ ways }) => ways[WAYS.indexOf('lxc-start')] ?? Number.NaN),
    ...(WAYS.includes('crun')
      ? [ms('floor: loop, tmpfs, overlay and crun by hand', ({ ways }) => ways[WAYS.indexOf('crun')] ?? Number.NaN)]
      : []),
    {
      name: `start over floor (mounts and lxc-start), N = ${count}`,
      unit: '×',
      values: all.map(({ kept, ways }) => kept / (ways[lxc] ?? Number.NaN)),
      note: `of the medians: ${(median(all.map(({ kept }) => kept)) / median(all.map(({ ways }) => ways[lxc] ?? Number.NaN))).toFixed(2)}`,
    },
  ];
};

export const start: Section = {
  name: 'start',
  title: 'Start',
  method:
    "No container runs before. All containers are in one group. The socket is asked again every 2 ms until it answers; STARTED is read from the daemon's log, by the line it writes when it has seen the container run. By hand: the same images, mounts and LXC lines, all started at once from a shell each; until the last init has left a mark. First boot: the storage is as a factory leaves it. In every round all are measured one after the other.",
  run: (context) =>
    withImage(async (image) => {
      const all: Figure[] = [];
      for (const count of COUNTS) all.push(...figures(count, await rounds(context, image, count)));
      return all;
    }),
};

/** From a dropped state to its new container, and how the rest fares meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, type BenchDevice, type Daemon } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { type BenchState, benchState } from '../guest.ts';
import { type Marks, watchMarks } from '../marks.ts';
import { silence } from '../silence.ts';
import { withDevice } from './rig.ts';

const COUNTS = [5, 20];
const STARTED_GOAL = 150;
const COMMITTED_GOAL = 300;
const DROP_GOAL = 150;
const SILENCE_GOAL = 20;
/** Until a device that was just started has written its last file. */
const REST_MS = 400;

interface Update {
  readonly running: number;
  readonly started: number;
  readonly committed: number;
}

/** `version`: of the first container; every one is another revision. */
async function update(
  device: BenchDevice,
  daemon: Daemon,
  marks: Marks,
  state: BenchState,
  name: string,
): Promise<Update> {
  const from = daemon.lines.length;
  const since = (isIt: (msg: string, ref: string | undefined) => boolean) =>
    daemon.line((line) => isIt(line.msg, line.ref), from);
  const droppedAtMs = device.drop(name, state);
  const started = since((msg, ref) => msg.startsWith('container.start:') && ref === 'container/c0');
  const committed = since((msg) => msg.startsWith('update.commit:'));
  const running = await marks.left(1);
  const result = {
    running: running - droppedAtMs,
    started: (await started).atMs - droppedAtMs,
    committed: (await committed).atMs - droppedAtMs,
  };
  await sleep(REST_MS);
  return result;
}

async function updates(
  context: Context,
  count: number,
): Promise<{ all: readonly Update[]; silences: readonly number[] }> {
  return withDevice(context, count, async (device, state) => {
    const daemon = await device.start();
    const marks = watchMarks(device.marks);
    const silences: number[] = [];
    const all: Update[] = [];
    try {
      await daemon.started(count);
      await marks.left(count);
      await sleep(REST_MS);
      for (let round = -1; round < context.rounds * 2; round += 1) {
        context.signal.throwIfAborted();
        const isWatched = round % 2 !== 0;
        // Asking all the time takes time of its own, so every other update is left alone.
        const watch = isWatched ? silence(device.socket) : undefined;
        const one = await update(device, daemon, marks, state(round % 2 === 0 ? 1 : 2), `u${round + 1}`);
        const longest = await watch?.();
        if (round < 0) continue;
        if (longest === undefined) all.push(one);
        else silences.push(longest);
      }
    } finally {
      marks.close();
    }
    const last = all.at(-1);
    context.say(
      `update, ${count}: started ${last?.started.toFixed(0)}, committed ${last?.committed.toFixed(0)} ms; silent ${silences.at(-1)?.toFixed(0)} ms`,
    );
    return { all, silences };
  });
}

/** A state with one container dropped on a device that has none; its objects are in the store. */
const drops = (context: Context): Promise<readonly number[]> =>
  withDevice(context, 1, async (device, state) => {
    const daemon = await device.start();
    await answers(device.socket);
    const marks = watchMarks(device.marks);
    const empty = benchState(Buffer.alloc(0), device.marks, 0);
    const results: number[] = [];
    try {
      await daemon.started(1);
      await marks.left(1);
      for (let round = -1; round < context.rounds; round += 1) {
        context.signal.throwIfAborted();
        const from = daemon.lines.length;
        device.drop(`e${round + 1}`, empty);
        await daemon.line(({ msg }) => msg.startsWith('update.commit:'), from);
        await sleep(REST_MS);
        const { running } = await update(device, daemon, marks, state(1 + (round % 2 === 0 ? 0 : 1)), `d${round + 1}`);
        if (round >= 0) results.push(running);
      }
    } finally {
      marks.close();
    }
    context.say(`drop → running ${results.at(-1)?.toFixed(0)} ms`);
    return results;
  });

export const updating: Section = {
  name: 'update',
  title: 'Update',
  method:
    "A state file is renamed into the watched directory; its objects are in the store. Commit delay 0, groups without stability windows. The changed container is the first of N; its init ends at once when it is asked to. Running: its init has left a mark. STARTED and committed are read from the daemon's log. Silence: while a client asks for /containers without a pause, the longest time between two answers, in other updates than those that are timed.",
  run: async (context) => {
    const all: Figure[] = [
      {
        name: 'drop → init running, 1 container, objects present',
        unit: 'ms',
        goal: DROP_GOAL,
        values: await drops(context),
      },
    ];
    for (const count of COUNTS) {
      const { all: timed, silences } = await updates(context, count);
      const ms = (name: string, goal: number, values: readonly number[]): Figure => ({
        name: `${name}, N = ${count}`,
        unit: 'ms',
        goal,
        values,
      });
      all.push(
        ms(
          'update of one: drop → new container STARTED',
          STARTED_GOAL,
          timed.map(({ started }) => started),
        ),
        ms(
          'update of one: drop → committed',
          COMMITTED_GOAL,
          timed.map(({ committed }) => committed),
        ),
        ms("update of one: the control socket's longest silence", SILENCE_GOAL, silences),
      );
    }
    return all;
  },
};

/** A revision of thousands of files, from the drop to the commit. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../../resources/state-format/canonical-json.ts';
import { answers, type BenchDevice, type Daemon } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import type { BenchState } from '../guest.ts';
import { silence } from '../silence.ts';
import { longestStall, probed } from '../stalls.ts';
import { withDevice } from './rig.ts';

const KEYS = 5000;
const ROUNDS = 5;
const STALL_GOAL = 20;
/** Until the daemon has written its last file about the update before. */
const REST_MS = 1_000;

/** The device's container with that many more files; a tenth of them are others in every version. */
function largeState({ text }: BenchState, storage: string, version: number): string {
  const state: Record<string, unknown> = JSON.parse(text);
  for (let index = 0; index < KEYS; index += 1) {
    const content = `file ${index}, version ${index % 10 === 0 ? version : 0}\n`;
    const id = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(storage, 'objects', id), content);
    state[`c0/data/file${index}`] = id;
  }
  return canonicalJson(state);
}

interface Update {
  readonly tried: number;
  readonly committed: number;
  readonly stall: number;
  readonly silent: number;
}

async function update(device: BenchDevice, daemon: Daemon, text: string, round: number): Promise<Update> {
  await longestStall(device, daemon);
  const from = daemon.lines.length;
  const asking = round % 2 === 0 ? undefined : silence(device.socket);
  const droppedAtMs = device.drop(`large-${round}`, { text });
  const tried = await daemon.line(({ msg }) => msg.startsWith('update.try:'), from);
  const committed = await daemon.line(({ msg }) => msg.startsWith('update.commit:'), from);
  await sleep(REST_MS);
  return {
    tried: tried.atMs - droppedAtMs,
    committed: committed.atMs - droppedAtMs,
    stall: await longestStall(device, daemon),
    silent: (await asking?.()) ?? Number.NaN,
  };
}

const run = (context: Context): Promise<readonly Figure[]> =>
  withDevice(context, 1, async (device, stateOf) => {
    const daemon = await device.start({ settings: probed(device) });
    await answers(device.socket);
    await daemon.started(1);
    const all: Update[] = [];
    for (let round = 0; round < Math.min(ROUNDS, context.rounds); round += 1) {
      context.signal.throwIfAborted();
      // Two each: one is left alone and timed, during the other somebody asks.
      for (const part of [0, 1]) {
        const number = round * 2 + part;
        all.push(await update(device, daemon, largeState(stateOf(0), device.storage, number), number));
      }
    }
    const [timed, asked] = [all.filter(({ silent }) => Number.isNaN(silent)), all.filter(({ silent }) => silent >= 0)];
    context.say(
      `revision: tried ${timed.at(-1)?.tried.toFixed(0)}, committed ${timed.at(-1)?.committed.toFixed(0)} ms`,
    );
    const ms = (name: string, values: readonly number[], goal?: number): Figure => ({
      name: `${KEYS} keys: ${name}`,
      unit: 'ms',
      values,
      ...(goal !== undefined && { goal }),
    });
    return [
      ms(
        'drop → stored, verified and on trial',
        timed.map(({ tried }) => tried),
      ),
      ms(
        'drop → committed',
        timed.map(({ committed }) => committed),
      ),
      ms(
        "the event loop's longest stall",
        timed.map(({ stall }) => stall),
        STALL_GOAL,
      ),
      ms(
        "the control socket's longest silence",
        asked.map(({ silent }) => silent),
        STALL_GOAL,
      ),
    ];
  });

export const revision: Section = {
  name: 'revision',
  title: 'Revision of 5 000 keys',
  method:
    'One container with 5 000 files of a few bytes in its trail, of which every update changes a tenth; the objects are in the store. The state is renamed into the watched directory. On trial: parsed, compared, planned, every object hashed and linked into the trail. Stalls until a second after the commit are measured inside the daemon, as in section stalls; silence in other updates than those that are timed.',
  run,
};

/** Collecting a great many objects that nobody needs, while somebody asks. */
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers, type BenchDevice, type Daemon } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { request } from '../http.ts';
import { silence } from '../silence.ts';
import { longestStall, probed } from '../stalls.ts';
import { withDevice } from './rig.ts';

interface Size {
  readonly objects: number;
  readonly rounds: number;
  /** Of peer.md. */
  readonly goalMs?: number;
}
const SIZES: readonly Size[] = [
  { objects: 10_000, rounds: 3, goalMs: 1000 },
  { objects: 100_000, rounds: 1 },
];
const STALL_GOAL = 20;

const litter = (objects: string, count: number, round: number): void => {
  for (let index = 0; index < count; index += 1) {
    const content = `garbage ${round} ${index}\n`;
    writeFileSync(join(objects, createHash('sha256').update(content).digest('hex')), content);
  }
};

interface Collection {
  readonly lastedMs: number;
  readonly stallMs: number;
  readonly silentMs: number;
}

async function collect(device: BenchDevice, daemon: Daemon, count: number, round: number): Promise<Collection> {
  const objects = join(device.storage, 'objects');
  const before = readdirSync(objects).length;
  litter(objects, count, round);
  await longestStall(device, daemon);
  const asking = silence(device.socket);
  const beganAtMs = performance.now();
  await request(device.socket, 'POST', '/storage/gc');
  const lastedMs = performance.now() - beganAtMs;
  const [silentMs, stallMs] = [await asking(), await longestStall(device, daemon)];
  const left = readdirSync(objects).length;
  if (left > before) throw new Error(`${left - before} of ${count} objects were left`);
  return { lastedMs, stallMs, silentMs };
}

async function measure(context: Context, device: BenchDevice, daemon: Daemon, size: Size): Promise<readonly Figure[]> {
  const { objects, rounds, goalMs } = size;
  const all: Collection[] = [];
  for (let round = 0; round < rounds; round += 1) {
    context.signal.throwIfAborted();
    all.push(await collect(device, daemon, objects, round));
  }
  const name = `GC of ${objects} objects`;
  context.say(`${name}: ${all.at(-1)?.lastedMs.toFixed(0)} ms, stall ${all.at(-1)?.stallMs.toFixed(1)} ms`);
  const ms = (what: string, of: keyof Collection, goal?: number): Figure => ({
    name: `${name}: ${what}`,
    unit: 'ms',
    values: all.map((each) => each[of]),
    ...(goal !== undefined && { goal }),
  });
  return [
    ms('time', 'lastedMs', goalMs),
    ms("the event loop's longest stall", 'stallMs', STALL_GOAL),
    ms("the control socket's longest silence", 'silentMs', STALL_GOAL),
  ];
}

export const gc: Section = {
  name: 'gc',
  title: 'Garbage collection',
  method:
    'Objects of a few bytes that no revision names, put into the store behind the daemon’s back. POST /storage/gc until its answer, while another client asks for /containers without a pause: its longest time between two answers is the silence. The stall is measured inside the daemon, as in section stalls.',
  run: (context) =>
    withDevice(context, 1, async (device) => {
      const daemon = await device.start({ settings: probed(device) });
      await answers(device.socket);
      await daemon.started(1);
      const all: Figure[] = [];
      for (const size of context.quick ? SIZES.slice(0, 1) : SIZES)
        all.push(...(await measure(context, device, daemon, size)));
      return all;
    }),
};

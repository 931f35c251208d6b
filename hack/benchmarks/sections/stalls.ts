/** How long the event loop is held up when most is going on. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, type BenchDevice, type Daemon } from '../device.ts';
import type { Section } from '../figure.ts';
import { withDevice } from './rig.ts';

const PROBE = resolve(import.meta.dirname, '../stalls.mjs');
const COUNT = 20;
const GOAL = 20;

/** Since the last time. */
async function longestStall(device: BenchDevice, daemon: Daemon): Promise<number> {
  const file = join(device.directory, 'stalls.json');
  rmSync(file, { force: true });
  process.kill(daemon.pid, 'SIGUSR2');
  while (!existsSync(file) || readFileSync(file).length === 0) await sleep(5);
  return Number(JSON.parse(readFileSync(file, 'utf8')).maxMs);
}

export const stalls: Section = {
  name: 'stalls',
  title: 'Event loop',
  method:
    'perf_hooks.monitorEventLoopDelay with a resolution of 1 ms, loaded into the daemon from outside (NODE_OPTIONS=--import). A stall contains what other processes take from it: there are 20 monitors starting on these cores at the same time.',
  run: (context) =>
    withDevice(context, COUNT, async (device, state) => {
      const starts: number[] = [];
      const updates: number[] = [];
      for (let round = 0; round < context.rounds; round += 1) {
        context.signal.throwIfAborted();
        const daemon = await device.start({
          settings: { NODE_OPTIONS: `--import=${PROBE}`, PV_BENCH_STALLS: join(device.directory, 'stalls.json') },
        });
        await answers(device.socket);
        // What came before is loading, which nobody waits for.
        await longestStall(device, daemon);
        await daemon.started(COUNT);
        starts.push(await longestStall(device, daemon));
        await sleep(300);
        await longestStall(device, daemon);
        const from = daemon.lines.length;
        device.drop(`u${round}`, state(1 + (round % 2)));
        await daemon.line((line) => daemon.lines.indexOf(line) >= from && line.msg.startsWith('update.commit:'));
        updates.push(await longestStall(device, daemon));
        await daemon.stop();
      }
      context.say(`stalls: start ${starts.at(-1)?.toFixed(0)}, update ${updates.at(-1)?.toFixed(0)} ms`);
      return [
        { name: `longest stall while ${COUNT} containers start`, unit: 'ms', goal: GOAL, values: starts },
        { name: `longest stall during an update of 1 of ${COUNT}`, unit: 'ms', goal: GOAL, values: updates },
      ];
    }),
};

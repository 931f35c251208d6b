/** How long the event loop is held up when most is going on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from '../device.ts';
import type { Section } from '../figure.ts';
import { longestStall, probed } from '../stalls.ts';
import { withDevice } from './rig.ts';

const COUNT = 20;
const GOAL = 20;

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
        const daemon = await device.start({ settings: probed(device) });
        await answers(device.socket);
        // What came before is loading, which nobody waits for.
        await longestStall(device, daemon);
        await daemon.started(COUNT);
        starts.push(await longestStall(device, daemon));
        await sleep(300);
        await longestStall(device, daemon);
        const from = daemon.lines.length;
        device.drop(`u${round}`, state(1 + (round % 2)));
        await daemon.line(({ msg }) => msg.startsWith('update.commit:'), from);
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

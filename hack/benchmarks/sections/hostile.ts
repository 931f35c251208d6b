/** Clients that mean harm: is the operator served meanwhile, and what does it cost the daemon? */
import { answers } from '../device.ts';
import type { Figure, Section } from '../figure.ts';
import { ATTACKS } from '../hostile/attacks.ts';
import { besiege, type Siege } from '../hostile/siege.ts';
import { longestStall, probed } from '../stalls.ts';
import { withDevice } from './rig.ts';

const ROUNDS = 3;
const STALL_GOAL_MS = 20;
/** What the daemon may keep of bodies, twice: once in pieces and once as a whole. */
const GROWTH_GOAL_MB = 64;

const figuresOf = (attack: string, sieges: readonly Siege[]): readonly Figure[] => [
  { name: `${attack}: the operator's longest request`, unit: 'ms', values: sieges.map(({ longestMs }) => longestMs) },
  {
    name: `${attack}: his requests that failed`,
    unit: 'pieces',
    goal: 0,
    values: sieges.map(({ refused }) => refused),
  },
  { name: `${attack}: longest stall`, unit: 'ms', goal: STALL_GOAL_MS, values: sieges.map(({ stallMs }) => stallMs) },
  { name: `${attack}: more memory`, unit: 'MB', goal: GROWTH_GOAL_MB, values: sieges.map(({ growthMb }) => growthMb) },
];

export const hostile: Section = {
  name: 'hostile',
  title: 'Hostile clients',
  method:
    'A process of its own attacks the control socket for some two seconds, another one asks GET /containers every 10 ms, each time on a new connection. Where the kernel has no more room for connections that wait, it tries again, as a client that blocks would. Stalls are measured as under "Event loop" and contain what attacker and operator take from the cores; memory is the peak of the resident set above what it was before.',
  run: (context) =>
    withDevice(context, 1, async (device) => {
      const daemon = await device.start({ settings: probed(device) });
      await answers(device.socket);
      await daemon.started(1);
      const besieged = { run: device.run, pid: daemon.pid, longestStall: () => longestStall(device, daemon) };
      const all: Figure[] = [];
      for (const attack of Object.keys(ATTACKS)) {
        const sieges: Siege[] = [];
        for (let round = 0; round < (context.quick ? 1 : ROUNDS); round += 1) {
          context.signal.throwIfAborted();
          sieges.push(await besiege(besieged, attack));
        }
        const last = sieges.at(-1);
        context.say(`${attack}: ${last?.longestMs.toFixed(0)} ms, stall ${last?.stallMs.toFixed(0)} ms`);
        all.push(...figuresOf(attack, sieges));
      }
      return all;
    }),
};

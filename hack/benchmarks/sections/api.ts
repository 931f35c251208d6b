/** The control socket under load. */
import { answers } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { get } from '../http.ts';
import { percentile } from '../statistics.ts';
import { withDevice } from './rig.ts';

const COUNTS = [1, 50];
const RATE_GOAL = 3914;
const P99_GOAL = 1;

/** One after the other, each on a new connection. */
async function burst(
  socket: string,
  path: string,
  requests: number,
): Promise<{ rate: number; latencies: readonly number[] }> {
  const latencies: number[] = [];
  const beganAtMs = performance.now();
  for (let index = 0; index < requests; index += 1) {
    const askedAtMs = performance.now();
    await get(socket, path);
    latencies.push(performance.now() - askedAtMs);
  }
  return { rate: (requests * 1000) / (performance.now() - beganAtMs), latencies };
}

const measure = (context: Context, count: number): Promise<readonly Figure[]> =>
  withDevice(context, count, async (device) => {
    const daemon = await device.start();
    await answers(device.socket);
    await daemon.started(count);
    const all: Figure[] = [];
    for (const path of ['/containers', '/status']) {
      const requests = context.quick ? 500 : 3000;
      await burst(device.socket, path, requests);
      const bursts: Awaited<ReturnType<typeof burst>>[] = [];
      for (let round = 0; round < context.rounds; round += 1) {
        context.signal.throwIfAborted();
        bursts.push(await burst(device.socket, path, requests));
      }
      const name = `GET ${path}, ${count} containers`;
      const latency = (share: number): readonly number[] => bursts.map(({ latencies }) => percentile(latencies, share));
      const isGoal = path === '/containers' && count === 1;
      all.push(
        {
          name: `${name}: rate`,
          unit: 'req/s',
          values: bursts.map(({ rate }) => rate),
          ...(isGoal && { goal: RATE_GOAL }),
        },
        { name: `${name}: p50`, unit: 'ms', values: latency(0.5) },
        { name: `${name}: p95`, unit: 'ms', values: latency(0.95) },
        { name: `${name}: p99`, unit: 'ms', values: latency(0.99), ...(path === '/containers' && { goal: P99_GOAL }) },
      );
      context.say(`${name}: ${bursts.at(-1)?.rate.toFixed(0)} req/s`);
    }
    return all;
  });

export const api: Section = {
  name: 'api',
  title: 'Control socket',
  method:
    'One client in Node asks one request after the other, each on a new connection to the unix socket; its own time is part of the figures. A run is 3000 requests.',
  run: async (context) => {
    const all: Figure[] = [];
    for (const count of COUNTS) all.push(...(await measure(context, count)));
    return all;
  },
};

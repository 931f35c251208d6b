/** The control socket under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Burst, getAgain } from '../asking.ts';
import { answers, newDirectory } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { percentile } from '../statistics.ts';
import { withDevice } from './rig.ts';

const COUNTS = [1, 50];
const PATHS = ['/containers', '/status', '/steps'];
const REQUESTS = 2000;
const QUICK_REQUESTS = 500;
const ROUNDS = 7;
/** Of peer.md: of /containers. */
const RATE_GOAL = 3914;
const P99_GOAL = 1;
const PLAIN = resolve(import.meta.dirname, '../plain-server.mjs');
/** As long as the answer to /containers with one container. */
const PLAIN_BYTES = 300;

interface Goals {
  readonly rate?: number;
  readonly p99?: number;
}

async function measure(context: Context, name: string, goals: Goals, burst: () => Promise<Burst>): Promise<Figure[]> {
  const bursts: Burst[] = [];
  for (let round = 0; round < Math.min(ROUNDS, context.rounds); round += 1) {
    context.signal.throwIfAborted();
    bursts.push(await burst());
  }
  const rates = bursts.map(({ lastedMs, latencies }) => (latencies.length * 1000) / lastedMs);
  const latency = (share: number): Pick<Figure, 'unit' | 'values'> => ({
    unit: 'ms',
    values: bursts.map(({ latencies }) => percentile(latencies, share)),
  });
  context.say(`${name}: ${rates.at(-1)?.toFixed(0)} req/s`);
  return [
    { name: `${name}: rate`, unit: 'req/s', values: rates, ...(goals.rate !== undefined && { goal: goals.rate }) },
    { name: `${name}: p50`, ...latency(0.5) },
    { name: `${name}: p95`, ...latency(0.95) },
    { name: `${name}: p99`, ...latency(0.99), ...(goals.p99 !== undefined && { goal: goals.p99 }) },
  ];
}

const requestsOf = ({ quick }: Context): number => (quick ? QUICK_REQUESTS : REQUESTS);

const goalsOf = (path: string, count: number): Goals => {
  if (path !== '/containers') return {};
  return count === 1 ? { rate: RATE_GOAL, p99: P99_GOAL } : { p99: P99_GOAL };
};

const ofDevice = (context: Context, count: number): Promise<readonly Figure[]> =>
  withDevice(context, count, async (device) => {
    const daemon = await device.start();
    await answers(device.socket);
    await daemon.started(count);
    const all: Figure[] = [];
    for (const path of PATHS) {
      const name = `GET ${path}, ${count} container${count === 1 ? '' : 's'}`;
      const burst = (): Promise<Burst> => getAgain(device.socket, path, requestsOf(context));
      all.push(...(await measure(context, name, goalsOf(path, count), burst)));
    }
    return all;
  });

/** The same client against a server that does nothing. */
async function floor(context: Context): Promise<readonly Figure[]> {
  const directory = newDirectory();
  const socket = join(directory, 'plain');
  const server = spawn(process.execPath, [PLAIN, socket, String(PLAIN_BYTES)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  try {
    await once(server.stdout, 'data');
    return await measure(context, 'floor: node:http that answers a fixed text', {}, () =>
      getAgain(socket, '/', requestsOf(context)),
    );
  } finally {
    server.stdin.end();
    await ended;
    rmSync(directory, { recursive: true });
  }
}

export const api: Section = {
  name: 'api',
  title: 'Control socket',
  method: `One client asks one request after the other, each on a new connection to the unix socket. It is a process of its own without an event loop: it blocks in connect(2), write(2) and read(2), some 30 µs of its own for each request. A run is ${REQUESTS} requests, after some that are not counted.`,
  run: async (context) => {
    const all: Figure[] = [...(await floor(context))];
    for (const count of COUNTS) all.push(...(await ofDevice(context, count)));
    return all;
  },
};

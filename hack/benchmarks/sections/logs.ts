/** Logs: how many lines get through, and what becomes of everybody else while somebody logs as fast as they can. */
import { execFile } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { getAgain } from '../asking.ts';
import { answers, type BenchDevice } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { longestStall, probed } from '../stalls.ts';
import { percentile } from '../statistics.ts';
import { withDevice } from './rig.ts';

const CLIENT = resolve(import.meta.dirname, '../log-client.pl');
const FORMATS = ['binary', 'json', 'key-value', 'rfc3164', 'rfc5424'];
const LINES = 20_000;
const QUICK_LINES = 5_000;
const PIPED_FACTOR = 10;
const ROUNDS = 5;
const FLOODERS = 4;
const FLOOD_SECONDS = 4;
const PINGS = 100;
const REQUESTS = 500;
const STALL_GOAL = 20;
const LIMIT_MS = 30_000;
/** When it has come to rest it collects its garbage, in one go: that is no matter of logs. */
const CALM_MS = 4_000;
/** So that what is counted is not rotated away, and nothing is filtered. */
const SETTINGS = { PV_LOG_DIR_MAXSIZE: '4G', PV_LOG_LEVEL: '3' };

const execute = promisify(execFile);
const client = async (...parameters: readonly string[]): Promise<string> =>
  (await execute('perl', [CLIENT, ...parameters])).stdout;

const revisionOf = (device: BenchDevice): string =>
  readdirSync(join(device.storage, 'logs')).find((name) => /^\d+$/.test(name)) ?? '0';

/** Lines that a log has got since the last call; what is not whole yet waits. */
function reader(device: BenchDevice, path: string): () => readonly string[] {
  let offset = 0;
  let rest = '';
  const more = (): void => {
    const file = join(device.storage, 'logs', revisionOf(device), path);
    if (!existsSync(file)) return;
    const bytes = Buffer.alloc(statSync(file).size - offset);
    const fd = openSync(file, 'r');
    const count = readSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    offset += count;
    rest += bytes.toString('latin1', 0, count);
  };
  return () => {
    more();
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    return lines;
  };
}

interface Way {
  readonly name: string;
  readonly lines: number;
  readonly send: () => Promise<unknown>;
}

/** Of the host's text messages all are in one file. */
const isText = (name: string): boolean => name !== 'binary' && name !== 'descriptor';

/** @returns lines a second, from the first to be sent to the last on the disk. @throws Error when one is missing. */
async function throughput(device: BenchDevice, { name, lines, send }: Way): Promise<number> {
  const read = reader(device, isText(name) ? 'pantavisor/pantavisor.log' : `web/${name}`);
  read();
  const beganAtMs = performance.now();
  await send();
  let missing = lines;
  for (;;) {
    missing -= read().filter((line) => !isText(name) || line.includes(`[${name}]: `)).length;
    if (missing <= 0) return (lines * 1000) / (performance.now() - beganAtMs);
    if (performance.now() > beganAtMs + LIMIT_MS)
      throw new Error(`${missing} of ${lines} lines by ${name} are missing`);
    await sleep(5);
  }
}

async function rates(context: Context, device: BenchDevice): Promise<readonly Figure[]> {
  const count = context.quick ? QUICK_LINES : LINES;
  const socket = join(device.run, 'pv-ctrl-log');
  const figures: Figure[] = [];
  const piped = PIPED_FACTOR * count;
  const ways: readonly Way[] = [
    ...FORMATS.map((name) => ({ name, lines: count, send: () => client('messages', socket, name, String(count)) })),
    {
      name: 'descriptor',
      lines: piped,
      send: () => client('descriptor', join(device.run, 'pv-fd-log'), String(piped)),
    },
  ];
  for (const way of ways) {
    const values: number[] = [];
    for (let round = 0; round < Math.min(ROUNDS, context.rounds); round += 1) {
      context.signal.throwIfAborted();
      values.push(await throughput(device, way));
    }
    context.say(`${way.name}: ${values.at(-1)?.toFixed(0)} lines/s`);
    figures.push({ name: `lines into filetree: ${way.name}`, unit: 'lines/s', values });
  }
  return figures;
}

/** How long after it was sent each ping was on the disk; looked at every millisecond. */
async function pingLatencies(device: BenchDevice, socket: string): Promise<readonly number[]> {
  const read = reader(device, 'web/ping');
  read();
  const sent = client('pings', socket, String(PINGS));
  const latencies: number[] = [];
  const giveUpAt = performance.now() + LIMIT_MS;
  while (latencies.length < PINGS && performance.now() < giveUpAt) {
    const lines = read();
    const nowMs = performance.timeOrigin + performance.now();
    latencies.push(...lines.map((line) => nowMs - Number(line)));
    await sleep(1);
  }
  await sent;
  if (latencies.length < PINGS) throw new Error(`${latencies.length} of ${PINGS} pings arrived`);
  return latencies;
}

async function flooded(context: Context, device: BenchDevice): Promise<readonly Figure[]> {
  const socket = join(device.run, 'pv-ctrl-log');
  const [stall, p50, p99, asked]: number[][] = [[], [], [], []];
  for (let round = 0; round < Math.min(ROUNDS, context.rounds); round += 1) {
    context.signal.throwIfAborted();
    const daemon = await device.start({ settings: { ...SETTINGS, ...probed(device) } });
    await answers(device.socket);
    await sleep(CALM_MS);
    await longestStall(device, daemon);
    const flood = Array.from({ length: FLOODERS }, () => client('flood', socket, String(FLOOD_SECONDS)));
    await sleep(200);
    const [latencies, requests] = await Promise.all([
      pingLatencies(device, socket),
      getAgain(device.socket, '/containers', REQUESTS),
    ]);
    const sent = (await Promise.all(flood)).map(Number).reduce((sum, each) => sum + each, 0);
    stall?.push(await longestStall(device, daemon));
    p50?.push(percentile(latencies, 0.5));
    p99?.push(percentile(latencies, 0.99));
    asked?.push(percentile(requests.latencies, 0.99));
    context.say(
      `flood of ${sent} messages: stall ${stall?.at(-1)?.toFixed(1)} ms, others ${p99?.at(-1)?.toFixed(1)} ms`,
    );
    await daemon.stop();
  }
  const name = `while ${FLOODERS} processes flood`;
  return [
    { name: `longest stall ${name}`, unit: 'ms', goal: STALL_GOAL, values: stall ?? [] },
    { name: `another one's line on the disk ${name}, p50`, unit: 'ms', values: p50 ?? [] },
    { name: `another one's line on the disk ${name}, p99`, unit: 'ms', values: p99 ?? [] },
    { name: `GET /containers ${name}, p99`, unit: 'ms', values: asked ?? [] },
  ];
}

export const logs: Section = {
  name: 'logs',
  title: 'Logs',
  method:
    'One perl process sends messages one after the other, one connection each, and the lines are counted in the file: one that is missing fails the measurement. By a descriptor: lines in a pipe that was handed over. The flood is of messages of one platform, from several processes at once, on the same cores.',
  run: (context) =>
    withDevice(context, 0, async (device) => {
      const daemon = await device.start({ settings: SETTINGS });
      await answers(device.socket);
      const figures = await rates(context, device);
      await daemon.stop();
      return [...figures, ...(await flooded(context, device))];
    }),
};

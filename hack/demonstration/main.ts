/**
 * `hack/demo`: an example device on this machine, from its sources to running containers, and away again.
 *
 * In: the name of an example, `--once` or not. Out: a live table until Ctrl-C; with `--once` the final table and 0 when
 * the device converged, 1 and the reason when not. However it ends (error, TERM, HUP, Ctrl-C), nothing is left on the
 * machine: everything is under one directory pantavisor-demo-* and is taken away with it.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { exampleNames, stageExample } from '../images/build.ts';
import { reasonNoContainersRun } from '../prerequisites.ts';
import { type Device, ready, startDevice } from './device.ts';
import { drop, follow, sentence } from './drop.ts';
import { showLive } from './live-table.ts';
import { freePort, rewritePorts } from './ports.ts';
import { own, PREFIX, staleDirectories } from './stale.ts';
import { removeDirectory, sweep } from './sweep.ts';

const project = resolve(import.meta.dirname, '../..');
const PANTAVISOR = join(project, 'dist/pantavisor');
const PVCONTROL = join(project, 'dist/pvcontrol');
const STATUS_PORT = 12368;
/** More than all groups' timeouts of an example together. */
const CONVERGE_MS = 240_000;
/** Between the end of its socket and the news of its end. */
const SEEN_DEAD_MS = 2_000;
/** A daemon that ends sooner than this after its start would only do so again. */
const CRASHING_MS = 2_000;
/** Shorter than a device's: who watches a demo need not see for long that nothing happens. */
const SETTINGS = { PV_UPDATER_COMMIT_DELAY: '3' };

const Ports = z.record(z.string(), z.int());
const execute = promisify(execFile);
const say = (line: string): void => console.log(`demo: ${line}`);

/** Packs the example, with ports that are free, and says where its services will be. */
async function prepare(example: string, directory: string): Promise<string> {
  const source = join(directory, 'source');
  await stageExample(example, source, say);
  const wanted = Ports.parse(JSON.parse(readFileSync(join(project, 'examples', example, 'ports.json'), 'utf8')));
  const ports = new Map<number, number>();
  for (const [service, port] of Object.entries(wanted)) {
    ports.set(port, await freePort(port));
    say(`${service} will be on ${service === 'web' ? 'http://' : ''}127.0.0.1:${ports.get(port)}`);
  }
  rewritePorts(source, ports);
  const tarball = join(directory, `${example}.tgz`);
  await execute(PANTAVISOR, ['pack', source, '-o', tarball]);
  return tarball;
}

/** @throws Error with the reason when the device does not converge. */
async function runOnce(device: Device, example: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONVERGE_MS)]);
  const end = await follow(device.watched, example, say, limit);
  const { stdout: table } = await execute(PVCONTROL, ['-s', device.socket, 'status']);
  console.log(`\n${table}`);
  if (end.status !== 'DONE') throw new Error(sentence(end));
}

/** Until it is interrupted. A daemon that somebody kills, to see what happens, is started again. */
async function runLive(device: Device, interrupted: AbortSignal): Promise<never> {
  const header = [`status ${device.statusUrl}   states go into ${device.watched}   Ctrl-C takes everything down`];
  for (let starts = 1; ; starts += 1) {
    const startedMs = performance.now();
    const signal = AbortSignal.any([interrupted, device.died]);
    await ready(device, signal);
    const failure = await showLive(device.socket, header, signal).catch((error: unknown) => error);
    interrupted.throwIfAborted();
    await Promise.race([device.died.aborted || once(device.died, 'abort'), sleep(SEEN_DEAD_MS)]);
    if (!device.died.aborted) throw failure ?? new Error('the daemon closed the control socket');
    if (performance.now() - startedMs < CRASHING_MS) throw device.died.reason;
    header[1] = `${device.died.reason.message}; this is number ${starts + 1}, and the containers went on running`;
    device.respawn();
  }
}

/** @throws Error with what went wrong; `Interrupted` when it was stopped from outside. */
async function show(example: string, isOnce: boolean, directory: string, interrupted: AbortSignal): Promise<void> {
  const tarball = await prepare(example, directory);
  interrupted.throwIfAborted();
  const device = startDevice(directory, await freePort(STATUS_PORT), SETTINGS);
  const signal = AbortSignal.any([interrupted, device.died]);
  try {
    await ready(device, signal);
    say(`status ${device.statusUrl}`);
    say(`control socket ${device.socket}`);
    say(`drop states into ${device.watched}`);
    drop(tarball, device.watched, example);
    await (isOnce ? runOnce(device, example, signal) : runLive(device, interrupted));
  } catch (error) {
    if (!interrupted.aborted) keepLog(device);
    throw error;
  } finally {
    say('stopping everything …');
    const wasAlive = !device.died.aborted;
    const left = await device.stop();
    // A dead daemon leaves its containers running on purpose.
    if (wasAlive && left.length > 0)
      complain(`the daemon had left behind, and it was removed:\n  ${left.join('\n  ')}`);
  }
}

function complain(text: string): void {
  console.error(`demo: ${text}`);
  process.exitCode = 1;
}

function keepLog(device: Device): void {
  const kept = join(project, '.cache/demo-daemon.log');
  if (!existsSync(device.log)) return;
  copyFileSync(device.log, kept);
  console.error(`demo: the daemon's log is in ${kept}`);
}

function readArguments(): { example: string; isOnce: boolean } {
  const { values, positionals } = parseArgs({
    options: { once: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [example = 'gateway', ...others] = positionals;
  if (others.length > 0 || !exampleNames().includes(example))
    throw new Error(`expected one of ${exampleNames().join(', ')}, but got '${positionals.join(' ')}'`);
  return { example, isOnce: values.once };
}

async function sweepStale(): Promise<void> {
  for (const directory of staleDirectories()) {
    say(`removing ${directory}, left by a demo that was killed`);
    await sweep(directory);
  }
}

async function main(): Promise<void> {
  // A terminal that was closed (HUP) must not keep us from cleaning up.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort(signal));
  const { example, isOnce } = readArguments();
  const reason = reasonNoContainersRun();
  if (reason !== undefined) throw new Error(reason);
  await sweepStale();
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  own(directory);
  try {
    await show(example, isOnce, directory, interruption.signal);
  } catch (error) {
    // Ctrl-C is how the live demo is meant to end.
    if (!interruption.signal.aborted) throw error;
    if (isOnce) process.exitCode = 1;
  } finally {
    removeDirectory(directory);
  }
}

try {
  await main();
  if (process.exitCode === undefined) say('done, nothing is left');
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
}

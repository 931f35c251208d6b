/**
 * One device on this machine: a daemon in appengine mode with everything of it under one directory.
 *
 * In: that directory (short, for the sockets in it) and a port for the status page. Out: the running daemon, where to
 * find it, and how to stop it. Stopping asks first and forces later, and says what had to be forced.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leftovers, leftoversAfterSettling, sweep } from './sweep.ts';

const DAEMON = resolve(import.meta.dirname, '../../dist/pantavisor');

const READY_MS = 15_000;
/** Containers have some seconds to end after they are asked; then the daemon kills them. */
const STOP_MS = 30_000;

export interface Device {
  readonly socket: string;
  readonly watched: string;
  readonly statusUrl: string;
  readonly log: string;
  /** Aborted, with the reason, when the present daemon ends. */
  readonly died: AbortSignal;
  /** Starts another daemon where one has died, as a service manager would. */
  respawn(): void;
  /** Stops everything and removes the directory. Resolves to what the daemon had left behind; empty when it did well. */
  stop(): Promise<readonly string[]>;
}

/** Starts the daemon; `ready` says when it can be used. `settings`: further configuration, as environment variables. */
export function startDevice(directory: string, statusPort: number, settings: Readonly<Record<string, string>>): Device {
  const places = {
    storage: join(directory, 'storage'),
    run: join(directory, 'run'),
    watched: join(directory, 'incoming'),
  };
  for (const place of Object.values(places)) mkdirSync(place);
  const log = join(directory, 'daemon.log');
  const environment = {
    ...settings,
    PV_SYSTEM_INIT_MODE: 'appengine',
    PV_STORAGE_MNTPOINT: places.storage,
    PV_SYSTEM_RUNDIR: places.run,
    PV_WATCH_DIR: places.watched,
    PV_STATUS_LISTEN: `127.0.0.1:${statusPort}`,
  };
  let daemon = spawnDaemon(log, environment);
  return {
    socket: join(places.run, 'pv-ctrl'),
    watched: places.watched,
    statusUrl: `http://127.0.0.1:${statusPort}/`,
    log,
    get died() {
      return daemon.died;
    },
    respawn() {
      daemon = spawnDaemon(log, environment);
    },
    async stop() {
      await daemon.stop();
      const left = await leftoversAfterSettling(() => leftovers(directory));
      await sweep(directory);
      return left;
    },
  };
}

function spawnDaemon(
  log: string,
  environment: Readonly<Record<string, string>>,
): { died: AbortSignal; stop(): Promise<void> } {
  const output = openSync(log, 'a');
  // Its own session: Ctrl-C in the terminal is for us, and we stop the daemon in good order.
  const child = spawn(DAEMON, ['run'], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...environment },
  });
  closeSync(output);
  const died = new AbortController();
  child.once('exit', (code, signal) =>
    died.abort(new Error(`the daemon ended by itself (${signal ?? `exit status ${code}`})`)),
  );
  child.once('error', (cause) => died.abort(new Error(`the daemon did not start: ${cause.message}`, { cause })));
  return {
    died: died.signal,
    async stop() {
      child.kill('SIGTERM');
      if (!died.signal.aborted)
        await once(died.signal, 'abort', { signal: AbortSignal.timeout(STOP_MS) }).catch(() => undefined);
    },
  };
}

/** Resolves when the control socket answers. @throws the daemon's end, the signal's reason, or that it takes too long. */
export async function ready(device: Device, signal: AbortSignal): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  while (!(await accepts(device.socket))) {
    signal.throwIfAborted();
    if (performance.now() > giveUpAt)
      throw new Error(`the daemon did not open ${device.socket} within ${READY_MS / 1000} s`);
    await sleep(20);
  }
}

/** A daemon that was killed leaves its socket's file behind, so the file alone says nothing. */
function accepts(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const connection = connect(socket, () => resolve(true));
  connection.once('error', () => resolve(false));
  return promise.finally(() => connection.destroy());
}

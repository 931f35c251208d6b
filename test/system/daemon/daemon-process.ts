/** The daemon as a process: started with an environment, killed, or asked to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { until } from './until.ts';

/** Built by test/system/build.ts. */
export const PROGRAM = resolve(import.meta.dirname, '../../../dist/pantavisor');

export interface DaemonProcess {
  readonly pid: number;
  /** Exit code and signal; null while it lives. */
  ended(): { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Way {
  /** Parameters of `pantavisor run`. */
  readonly parameters?: readonly string[];
  /** What runs it, such as unshare with its arguments; it must become the daemon. */
  readonly by?: readonly string[];
}

/** @param log file that its output is appended to. */
export const spawnDaemon = (
  log: string,
  settings: Readonly<Record<string, string>>,
  { parameters = [], by = [] }: Way = {},
): DaemonProcess => {
  const [program = PROGRAM, ...words] = [...by, PROGRAM, 'run', ...parameters];
  const output = openSync(log, 'a');
  // A session of its own, so that a Ctrl-C for the tests does not reach it before they have cleaned up.
  const child = spawn(program, words, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...settings },
  });
  closeSync(output);
  return {
    pid: child.pid ?? 0,
    ended: () => (isAlive(child) ? null : { code: child.exitCode, signal: child.signalCode }),
    end: async (signal) => {
      if (!isAlive(child)) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
};

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request over a unix socket. @throws Error when nobody listens, or goes away before it has answered. */
export const requestOn = (socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  new Promise((fulfil, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => fulfil({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    // A daemon that boots anew may close the connection at any byte of its answer.
    outgoing.on('close', () => reject(Object.assign(new Error(`no whole answer: ${path}`), { code: 'ECONNRESET' })));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });

const READY = '"pantavisor is ready"';

/** Resolves when this process has said in its log that it is ready. @throws Error when it ends before. */
export const ready = (daemon: DaemonProcess, log: string, skipBytes: number): Promise<void> =>
  until('the daemon is ready', () => {
    const ended = daemon.ended();
    const text = readFileSync(log).subarray(skipBytes).toString();
    if (ended !== null) throw new Error(`the daemon ended (${ended.signal ?? ended.code}):\n${text}`);
    return text.includes(READY);
  });

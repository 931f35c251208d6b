/** A device in a virtual machine, as a test sees it: its status page, a shell on its console, a disk with what it is to be given. */
import { readFileSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startVm, type Vm } from '../../hack/device-image/vm.ts';

/** For machines of a CI that emulate slowly; what is waited for comes within a minute on others. */
const PATIENCE_MS = 400_000;

// biome-ignore lint/suspicious/noExplicitAny: the document of the status page, of which each test reads something else
export type Status = any;

export interface Guest {
  /** Resolves with the first status that is so. @throws Error with the end of the console's output. */
  until(what: string, isSo: (status: Status) => boolean): Promise<Status>;
  /** Runs a line in the root shell of the console. @returns what it printed. */
  shell(line: string): Promise<string>;
  /** As a power cut. */
  cut(): Promise<void>;
  console(): string;
}

export interface GuestOptions {
  readonly disk: string;
  readonly directory: string;
  readonly more?: readonly string[];
}

export const startGuest = async ({ disk, directory, more = [] }: GuestOptions): Promise<Guest> => {
  const [socket, log] = [`${directory}/console`, `${directory}/console.log`];
  rmSync(socket, { force: true });
  const port = await freePort();
  const vm: Vm = startVm({ disk, console: { socket, log }, ports: { [port]: 8080 }, memoryMb: 384, more });
  const consoleText = (): string => readFileSync(log, 'utf8').replaceAll('\r', '');
  const connection = await connected(socket);

  const until = async (what: string, isSo: (status: Status) => boolean): Promise<Status> => {
    const deadline = Date.now() + PATIENCE_MS;
    let last: Status;
    while (Date.now() < deadline) {
      last = (await statusOf(port)) ?? last;
      if (last !== undefined && isSo(last)) return last;
      if (vm.process.exitCode !== null) break;
      await sleep(500);
    }
    const seen = JSON.stringify(last)?.slice(0, 3000);
    throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s\nstatus: ${seen}\n${consoleText().slice(-3000)}`);
  };

  /** The shell's own line editor loses what is typed while it draws: a loop that only reads is put in its place, once per boot. */
  const openShell = async (): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const from = consoleText().length;
      connection.write('\n');
      await sleep(4000);
      connection.write('stty -echo; echo SH\'\'ELL; while read -r line; do eval "$line"; done\n');
      for (let tenths = 0; tenths < 150; tenths += 1) {
        if (consoleText().slice(from).includes('\nSHELL\n')) return;
        await sleep(100);
      }
    }
    throw new Error(`there is no shell\n${consoleText().slice(-3000)}`);
  };
  const offers = (): number => consoleText().split('press Enter for a shell').length;
  let openedAt = 0;
  let calls = 0;
  const shell = async (line: string): Promise<string> => {
    if (openedAt !== offers()) {
      await openShell();
      openedAt = offers();
    }
    calls += 1;
    const [begin, end] = [`begin ${calls}`, `end ${calls}`];
    const from = consoleText().length;
    connection.write(`echo; echo ${begin}; ${line}; echo; echo ${end}\n`);
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const said = consoleText().slice(from);
      const [at, to] = [said.indexOf(`\n${begin}\n`), said.indexOf(`\n${end}\n`)];
      if (at >= 0 && to > at) return said.slice(at + begin.length + 2, to).trim();
      await sleep(200);
    }
    throw new Error(`the shell did not answer to: ${line}\n${consoleText().slice(-3000)}`);
  };
  return {
    until,
    shell,
    console: consoleText,
    cut: async () => {
      connection.destroy();
      await vm.cut();
    },
  };
};

const statusOf = async (port: number): Promise<Status> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/status`, { signal: AbortSignal.timeout(5000) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined; // it boots
  }
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const connected = async (path: string): Promise<Socket> => {
  for (let attempt = 0; ; attempt += 1) {
    const socket = createConnection(path);
    const done = Promise.withResolvers<Error | undefined>();
    socket.once('connect', () => done.resolve(undefined));
    socket.once('error', done.resolve);
    const error = await done.promise;
    if (error === undefined) return socket.resume();
    if (attempt > 100) throw error;
    await sleep(100);
  }
};

/** Real processes at the other end of real sockets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callersOf } from '../../../../runtime/host/linux/peer/peer.ts';

let directory: string;
let server: Server;
let callerOf: ReturnType<typeof callersOf>;
const open: Socket[] = [];
const path = (): string => join(directory, 'socket');

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-callers-'));
  server = createServer().listen(path());
  await once(server, 'listening');
  callerOf = callersOf('/run/pv/lxc');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
  rmSync(directory, { recursive: true });
});

const accepted = async (): Promise<Socket> => {
  const [socket] = (await once(server, 'connection')) as [Socket]; // net: the one argument
  open.push(socket.on('error', () => {}));
  return socket;
};
const ownConnection = async (): Promise<Socket> => {
  const socket = accepted();
  open.push(connect(path()));
  return socket;
};
/** Connects, and then does this. */
const program = (then: string): string => `require('node:net').connect(${JSON.stringify(path())}, () => { ${then} })`;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('a caller', () => {
  it('is told the first time and every time after', async () => {
    for (let time = 0; time < 3; time++)
      expect(callerOf(await ownConnection())).toEqual({ caller: 'host', pid: process.pid });
  });

  it('that has ended is nobody, also if it was known', async () => {
    const first = accepted();
    const child = spawn(process.execPath, [
      '-e',
      program(`process.stdin.once('data', () => { ${program('process.exit(0)')} })`),
    ]);
    expect(callerOf(await first)).toEqual({ caller: 'host', pid: child.pid });
    const second = accepted();
    child.stdin.write('go\n');
    const left = await second;
    if (child.exitCode === null) await once(child, 'exit');
    expect(callerOf(left)).toBeUndefined();
    expect(callerOf(await ownConnection())).toEqual({ caller: 'host', pid: process.pid });
  });

  it('that has ended and was not reaped is nobody: v1 hierarchies show it where the host is', async () => {
    const socket = accepted();
    const script = '"$0" -e "$1" & exec sleep 60'; // sleep inherits a child that it knows nothing of
    const parent = spawn('sh', ['-c', script, process.execPath, program('process.exit(0)')], { stdio: 'ignore' });
    try {
      const left = await socket;
      const children = (): string => readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim();
      await vi.waitFor(() => expect(readFileSync(`/proc/${children()}/stat`, 'utf8')).toMatch(/^\d+ \(.*\) Z /), 5000);
      expect(callerOf(left)).toBeUndefined();
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('costs no descriptors, however many come', async () => {
    callerOf(await ownConnection());
    const before = descriptors();
    const children = Array.from({ length: 20 }, () =>
      spawn(process.execPath, ['-e', program('')], { stdio: 'ignore' }),
    );
    const sockets: Socket[] = [];
    server.on('connection', (socket: Socket) => sockets.push(socket));
    await vi.waitFor(() => expect(sockets).toHaveLength(20), 10_000);
    const pids = sockets.map((socket) => callerOf(socket)?.pid);
    expect(pids.toSorted()).toEqual(children.map(({ pid }) => pid).toSorted());
    for (const child of children) child.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(() => expect(descriptors()).toBeLessThanOrEqual(before + 16), 5000);
  });
});

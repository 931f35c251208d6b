/** Processes that answer in place of a container's monitor, and monitors that do not answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandAddress } from '../../../runtime/host/linux/lxc/lxc-names.ts';
import { describeSystem } from '../require-root.ts';
import { type Bench, bench, parentOf } from './bench.ts';

const WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const NOBODY = 65534;

/** Answers every command that it is `RUNNING`, with init pid 1; `silent`: answers nothing. */
const IMPOSTOR = `
  const [address, isSilent] = process.argv.slice(1);
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => {
      if (isSilent === 'silent') return;
      const answer = Buffer.alloc(16);
      const values = { 3: 2n, 4: 1n };
      answer.writeBigInt64LE(values[request.readInt32LE(0)] ?? 0n, 8);
      socket.write(answer);
    });
  });
  server.listen({ path: Buffer.from(address, 'hex').toString('latin1') }, () => process.stdout.write('listening'));
`;

describeSystem('the answer of a monitor', () => {
  let here: Bench;
  const undo: (() => unknown)[] = [];
  beforeEach(() => {
    here = bench();
  });
  afterEach(async () => {
    for (const step of undo.splice(0)) await step();
    await here.cleanup();
    expect(here.traces()).toEqual([]);
  });

  const impostor = async (name: string, how: 'answering' | 'silent'): Promise<void> => {
    const address = Buffer.from(commandAddress(here.paths.lxc, name), 'latin1').toString('hex');
    const child = spawn(process.execPath, ['-e', IMPOSTOR, address, how], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    undo.push(async () => {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    });
    await once(child.stdout, 'data');
  };

  test.each(['answering', 'silent'] as const)(
    'is not taken from another user: %s, there is no such container',
    { timeout: 60_000 },
    async (how) => {
      await impostor('ghost', how);
      const containers = await here.open();
      expect(await containers.list()).toEqual([]);
      expect(await containers.inspect('ghost')).toBeUndefined();
      await containers.configure('web', here.configOf('web', WAIT));
      expect(await containers.start('web')).toBeGreaterThan(1);
      await containers.kill('web');
    },
  );

  test('is waited for when a signal has stopped the monitor, which goes on', { timeout: 60_000 }, async () => {
    const first = await here.open();
    await first.configure('web', here.configOf('web', WAIT));
    const initPid = await first.start('web');
    const monitor = parentOf(initPid);
    process.kill(monitor, 'SIGSTOP');
    undo.push(() => process.kill(monitor, 'SIGCONT'));
    expect(await first.inspect('web')).toEqual({ state: 'RUNNING', initPid });
    process.kill(monitor, 'SIGSTOP');
    await first.close();
    const second = await here.open();
    expect(await second.inspect('web')).toEqual({ state: 'RUNNING', initPid });
    undo.length = 0;
    await second.kill('web');
  });
});

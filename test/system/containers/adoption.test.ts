/** Containers outlive the daemon, and the next one knows what happened. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findHolders } from '../../../runtime/host/linux/lxc/monitor-holder.ts';
import { callerOf, containerOfPid, peerOf } from '../../../runtime/host/linux/peer/peer.ts';
import { collect } from '../../runtime/host/contract-device.ts';
import { until } from '../host/scratch.ts';
import { describeSystem } from '../require-root.ts';
import { type Bench, bench, cgroupsOf, parentOf, supervisor } from './bench.ts';

const WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const NAMES = Array.from({ length: 10 }, (_, index) => `web${index}`);

describeSystem('containers without a daemon', () => {
  let here: Bench;
  const undo: (() => Promise<void>)[] = [];
  beforeEach(() => {
    here = bench();
  });
  afterEach(async () => {
    for (const step of undo.splice(0)) await step();
    await here.cleanup();
    expect(here.traces()).toEqual([]);
  });
  const fifo = () => `/run/lxc${here.paths.lxc}/monitor-fifo`;
  const configureAll = async (script: (name: string) => string): Promise<void> => {
    const containers = await here.open();
    for (const name of NAMES) await containers.configure(name, here.configOf(name, script(name)));
    await containers.close();
  };

  test('go on when it is killed; the next one knows the ends of five and adopts five', async () => {
    await configureAll(() => WAIT);
    const killed = await supervisor(here.paths, NAMES);
    await killed.end('SIGKILL');
    const [holder] = await findHolders(fifo());
    expect(holder).toBeGreaterThan(1);

    for (const name of NAMES.slice(0, 5)) process.kill(killed.pids[name] ?? Number.NaN, 'SIGKILL');
    await until(() => NAMES.slice(0, 5).every((name) => cgroupsOf(here, name).length === 0));

    const before = performance.now();
    const containers = await here.open();
    const exits = collect(containers.exits);
    process.stdout.write(`adopted in ${Math.round(performance.now() - before)} ms\n`);
    expect(await findHolders(fifo())).toEqual([holder]);
    expect(exits.seen.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      NAMES.slice(0, 5).map((name) => ({ name, exit: { type: 'signal', signal: 9 } })),
    );
    for (const [index, name] of NAMES.entries()) {
      const expected = index < 5 ? undefined : { state: 'RUNNING', initPid: killed.pids[name] };
      expect(await containers.inspect(name)).toEqual(expected);
    }
    await containers.kill('web9');
    await until(() => exits.seen.length === 6);
    expect(exits.seen.at(-1)).toEqual({ name: 'web9', exit: { type: 'signal', signal: 9 } });
    exits.stop();
  });

  test('do not notice a SIGTERM to its process group', async () => {
    await configureAll(() => WAIT);
    const ended = await supervisor(here.paths, ['web0']);
    const monitor = parentOf(ended.pids['web0'] ?? Number.NaN);
    await ended.end('SIGTERM');
    expect(await (await here.open()).inspect('web0')).toMatchObject({ state: 'RUNNING' });
    expect(readFileSync(`/proc/${monitor}/environ`, 'utf8')).toMatch(/^PATH=[^\0]*\0/);
    expect(readFileSync(`/proc/${monitor}/environ`, 'utf8')).not.toContain('PVTEST');
  });

  test('have one holder, which ends with the last of them', async () => {
    await configureAll(() => WAIT);
    expect(await findHolders(fifo())).toEqual([]);
    await (await supervisor(here.paths, ['web0'])).end('SIGKILL');
    const first = await findHolders(fifo());
    expect(first).toHaveLength(1);
    const containers = await here.open();
    await containers.close();
    expect(await findHolders(fifo())).toEqual(first);
    const last = await here.open();
    const exits = collect(last.exits);
    await last.kill('web0');
    await until(async () => (await last.inspect('web0')) === undefined);
    exits.stop();
    await last.close();
    await until(async () => (await findHolders(fifo())).length === 0);
  });

  test('below a long path are found as well', async () => {
    const long = bench(`/${'long'.repeat(25)}`);
    undo.push(long.cleanup);
    const containers = await long.open();
    await containers.configure('web', long.configOf('web', WAIT));
    const initPid = await containers.start('web');
    await containers.close();
    expect(await (await long.open()).inspect('web')).toEqual({ state: 'RUNNING', initPid });
  });

  test('are known by their cgroup when they call, as is the host', async () => {
    const containers = await here.open();
    await containers.configure('web', here.configOf('web', WAIT));
    const pid = await containers.start('web');
    expect(containerOfPid(pid, here.paths.lxc)).toEqual({ container: 'web' });
    expect(containerOfPid(pid, '/some/other/lxc')).toBeUndefined();
    expect(containerOfPid(process.pid, here.paths.lxc)).toBe('host');
    expect(containerOfPid(2 ** 22, here.paths.lxc)).toBeUndefined();
  });

  test('nobody is known by the pid of a caller that has ended', async () => {
    const path = `${here.paths.run}/socket`;
    const server = createServer().listen(path);
    await once(server, 'listening');
    undo.push(async () => void server.close());
    const own = connect(path);
    const [accepted] = (await once(server, 'connection')) as [Socket]; // net: the one argument
    expect(peerOf(accepted)).toEqual({ pid: process.pid, uid: 0, gid: 0 });
    expect(callerOf(accepted, here.paths.lxc)).toEqual({ caller: 'host', pid: process.pid });
    own.destroy();

    const script = `require('node:net').connect(${JSON.stringify(path)}).on('connect', () => process.exit(0))`;
    const caller = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    const [left] = (await once(server, 'connection')) as [Socket];
    if (caller.exitCode === null) await once(caller, 'exit');
    expect(callerOf(left, here.paths.lxc)).toBeUndefined();
    accepted.destroy();
    left.destroy();
  });
}, ['lxc', 'loop', 'squashfs']);

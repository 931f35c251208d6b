/** Containers as pvr configures them: how they run, end, and are told of. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { captureDirectory } from '../../../resources/lxc/lxc-place.ts';
import type { Containers } from '../../../runtime/host/host.ts';
import { cgroupLayout } from '../../../runtime/host/linux/lxc/cgroups.ts';
import { collect } from '../../runtime/host/contract-device.ts';
import { until } from '../host/scratch.ts';
import { describeSystem } from '../require-root.ts';
import { type Bench, bench, cgroupsOf, end, type OpenContainers, parentOf } from './bench.ts';

const WAIT = "trap 'exit 0' TERM PWR; while :; do sleep 0.1; done";

describeSystem('containers of LXC', () => {
  let here: Bench;
  let containers: OpenContainers;
  let exits: ReturnType<typeof collect<{ readonly name: string; readonly exit: unknown }>>;
  beforeEach(async () => {
    here = bench();
    containers = await here.open();
    exits = collect(containers.exits);
  });
  afterEach(async () => {
    exits.stop();
    await here.cleanup();
    expect(here.traces()).toEqual([]);
  });

  const gone = (name: string, of: Containers = containers): Promise<void> =>
    until(async () => (await of.inspect(name)) === undefined);
  const run = async (name: string, script: string, lines = ''): Promise<number> => {
    await containers.configure(name, here.configOf(name, script, { lines }));
    return containers.start(name);
  };
  const consoleOf = (name: string): string => `${captureDirectory(here.paths, { name, startedIn: 'r1' })}/console.log`;
  const printed = async (name: string, text: string): Promise<string> => {
    const read = () => (existsSync(consoleOf(name)) ? readFileSync(consoleOf(name), 'utf8') : '');
    await until(() => read().includes(text));
    return read();
  };

  test('run from squashfs, with a writable layer, their name and their mounts', async () => {
    await run('web', `hostname; ls -d /pantavisor/logs; cat /proc/mounts; echo x > /etc/written; echo done; ${WAIT}`);
    const output = await printed('web', 'done');
    expect(output).toMatch(/^web\r?\n\/pantavisor\/logs\r?$/m);
    expect(output).toMatch(/^tmpfs \/run tmpfs rw,nodev,relatime,mode=755/m);
    expect(output).toMatch(/^\S+ \/pantavisor \S+ ro,/m);
    expect(readFileSync(`${here.upperOf('web')}/etc/written`, 'utf8')).toBe('x\n');
  });

  test('see _config files above their image', async () => {
    const configOverlay = `${here.paths.config}/web`;
    execFileSync('mkdir', ['-p', `${configOverlay}/etc`]);
    writeFileSync(`${configOverlay}/etc/resolv.conf`, 'from _config\n');
    writeFileSync(`${configOverlay}/etc/extra`, 'from _config too\n');
    const config = here.configOf('web', `cat /etc/extra; ${WAIT}`, { context: { configOverlay } });
    await containers.configure('web', config);
    await containers.start('web');
    await printed('web', 'from _config too');
  });

  test('cannot fill the disk by printing', async () => {
    await run('web', 'yes 0123456789012345678901234567890123456789');
    await until(() => existsSync(`${consoleOf('web')}.1`));
    const sizes = ['', '.1'].map((suffix) => statSync(`${consoleOf('web')}${suffix}`, { throwIfNoEntry: false })?.size);
    expect(Math.max(...sizes.map((size) => size ?? 0))).toBeLessThanOrEqual(65536);
  });

  test.each([
    ['0', 'exit 0', { type: 'code', code: 0 }],
    ['42', 'sleep 0.05; exit 42', { type: 'code', code: 42 }],
    ['a status at once', 'exit 3', { type: 'code', code: 3 }],
  ])('that end with %s say so', async (_, script, exit) => {
    await run('web', script);
    await until(() => exits.seen.length > 0);
    await gone('web');
    expect(exits.seen).toEqual([{ name: 'web', exit }]);
  });

  test('that do not listen yet get the halt signal when they do, and once', async () => {
    await run('web', "echo up; sleep 1; trap 'echo told; sleep 1; exit 0' PWR; sleep 60 & wait");
    await printed('web', 'up');
    await containers.halt('web');
    await gone('web');
    expect(exits.seen).toEqual([{ name: 'web', exit: { type: 'code', code: 0 } }]);
    expect((await printed('web', 'told')).split('told')).toHaveLength(2);
  });

  test('get the halt signal of their file, else SIGPWR', async () => {
    const script =
      "trap 'exit 15' TERM; trap 'exit 30' PWR; trap 'exit 12' USR2; echo up; while :; do sleep 0.05; done";
    const signals = { term: 'lxc.signal.halt = SIGTERM\n', usr2: 'lxc.signal.halt = 12\n', none: '' };
    for (const [name, lines] of Object.entries(signals)) {
      await run(name, script, lines);
      await printed(name, 'up');
      await containers.halt(name);
      await gone(name);
    }
    expect(exits.seen.map(({ exit }) => exit)).toEqual([15, 12, 30].map((code) => ({ type: 'code', code })));
  });

  test('are killed while they start, when a hook hangs', async () => {
    const hook = `${here.paths.storage}/hook`;
    writeFileSync(hook, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const start = run('web', WAIT, `lxc.hook.pre-start = ${hook}\n`);
    const failed = expect(start).rejects.toMatchObject({ code: 'LXC_START' });
    await until(async () => (await containers.inspect('web'))?.state === 'STARTING');
    await until(async () => {
      await containers.kill('web');
      return (await containers.inspect('web')) === undefined;
    });
    await failed;
    expect(exits.seen).toEqual([]);
  });

  test('start ten at a time in less than half a second', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `web${index}`);
    for (const name of names) await containers.configure(name, here.configOf(name, WAIT));
    const before = performance.now();
    const pids = await Promise.all(names.map((name) => containers.start(name)));
    const tookMs = performance.now() - before;
    process.stdout.write(`ten containers started in ${Math.round(tookMs)} ms\n`);
    expect(tookMs).toBeLessThan(500);
    expect(new Set(pids).size).toBe(10);
  });

  test('that cannot start say why', async () => {
    const config = here.configOf('web', WAIT);
    for (const [bad, reason] of [
      [`${config}lxc.init.cmd = /nope\n`, 'No such file or directory - Failed to exec "/nope"'],
      [`${config}lxc.nonsense = 1\n`, 'Unsupported config key "lxc.nonsense"'],
      [config.replace('base/root.squashfs', 'none'), `Failed to mount "${here.paths.volumes}/none"`],
      [`${config}lxc.mount.entry = /nowhere x none bind,create=dir 0 0\n`, 'Failed to mount "/nowhere"'],
    ] as const) {
      await containers.configure('web', bad);
      await expect(containers.start('web')).rejects.toThrow(reason);
      expect(await containers.inspect('web')).toBeUndefined();
    }
    expect(exits.seen).toEqual([]);
  });

  test('whose monitor was killed leave no cgroups and can start again', async () => {
    const pid = await run('web', WAIT);
    expect(cgroupsOf(here, 'web')).not.toEqual([]);
    process.kill(parentOf(pid), 'SIGKILL');
    await gone('web');
    expect(cgroupsOf(here, 'web')).toEqual([]);
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    await containers.start('web');
    expect(await containers.inspect('web')).toMatchObject({ state: 'RUNNING' });
  });

  test.skipIf(cgroupLayout() === 'legacy')('frozen by writing to their cgroup are noticed and thawed', async () => {
    await run('web', WAIT);
    const changes = collect(containers.changes);
    const [freeze = ''] = cgroupsOf(here, 'web').flatMap((cgroup) => globSync(`${cgroup}/cgroup.freeze`));
    expect(freeze).not.toBe('');
    writeFileSync(freeze, '1');
    await until(() => changes.seen.includes('web'));
    changes.stop();
    await until(async () => (await containers.inspect('web'))?.state === 'FROZEN');
    await containers.unfreeze('web');
    await until(async () => (await containers.inspect('web'))?.state === 'RUNNING');
  });

  test('end although a process of theirs is frozen in a cgroup below theirs', async () => {
    const pid = await run('web', `sleep 1000 & echo child; ${WAIT}`);
    await printed('web', 'child');
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0] ?? '';
    const frozen = cgroupsOf(here, 'web').flatMap((cgroup) => {
      const [file, state] = existsSync(`${cgroup}/freezer.state`)
        ? ['freezer.state', 'FROZEN']
        : ['cgroup.freeze', '1'];
      if (cgroup.includes('monitor') || !existsSync(`${cgroup}/${file}`)) return [];
      mkdirSync(`${cgroup}/below`);
      writeFileSync(`${cgroup}/below/cgroup.procs`, child);
      writeFileSync(`${cgroup}/below/${file}`, state);
      return [`${cgroup}/below`];
    });
    expect(frozen).not.toEqual([]);
    await containers.kill('web');
    await gone('web');
    expect(frozen.filter((cgroup) => existsSync(cgroup))).toEqual([]);
  });

  test('started by hand below our lxcpath are followed like our own', async () => {
    await containers.configure('web', here.configOf('web', WAIT));
    const changes = collect(containers.changes);
    // With -d the process that listens has ended: nobody could tell who answers.
    spawn('lxc-start', ['-P', here.paths.lxc, '-n', 'web', '-F'], { stdio: 'ignore', detached: true }).unref();
    await until(async () => (await containers.inspect('web'))?.state === 'RUNNING');
    execFileSync('lxc-stop', ['-P', here.paths.lxc, '-n', 'web', '-k']);
    await gone('web');
    changes.stop();
    expect(exits.seen).toEqual([{ name: 'web', exit: { type: 'signal', signal: 9 } }]);
    expect(changes.seen).toContain('web');
  });

  test('that are removed and a daemon that closes leave nothing at all', async () => {
    await run('web', WAIT);
    await end(containers, 'web');
    await containers.close();
    expect(here.traces()).toEqual([]);
  });

  test('names that would lead elsewhere are refused by every operation', async () => {
    for (const name of ['../web', 'a/b', '.rootfs', '', 'a b', 'a\nb', 'x'.repeat(64)]) {
      for (const refused of [
        containers.configure(name, ''),
        containers.start(name),
        containers.inspect(name),
        containers.halt(name),
        containers.kill(name),
        containers.unfreeze(name),
        containers.remove(name),
      ]) {
        await expect(refused).rejects.toMatchObject({ code: 'EINVAL' });
      }
    }
  });
}, ['lxc', 'loop', 'squashfs']);

/** What the device says of itself, held against what this machine says by other means; and what outlives what. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import project from '../../../package.json' with { type: 'json' };
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { put } from './sending.ts';
import { until } from './until.ts';

type Json = Readonly<Record<string, unknown>>;

const uname = (option: string): string => execFileSync('uname', [option], { encoding: 'utf8' }).trim();
const proc = (path: string): string => readFileSync(`/proc/${path}`, 'utf8');
const about = async (device: RealDevice): Promise<Json> =>
  JSON.parse((await device.request('GET', '/device-meta')).body);

/** By interface and family, as ip(8) has it. */
const addresses = (): Record<string, string[]> => {
  const found: Record<string, string[]> = {};
  const links = JSON.parse(execFileSync('ip', ['-json', 'address'], { encoding: 'utf8' }));
  for (const { ifname, address, operstate, addr_info: infos } of links) {
    if (infos.length === 0 || operstate === 'DOWN') continue;
    if (address !== '00:00:00:00:00:00') found[`${ifname}.mac`] = [address];
    for (const { family, local, scope } of infos) {
      const key = `${ifname}.${family === 'inet' ? 'ipv4' : 'ipv6'}`;
      found[key] = [...(found[key] ?? []), family === 'inet6' && scope === 'link' ? `${local}%${ifname}` : local];
    }
  }
  return found;
};

describeSystem('device metadata', () => {
  test('has every key with what is true of this machine', async ({ device }) => {
    await device.start({ PV_STORAGE_GC_RESERVED: '10' });
    await device.deploy('app', realState().container('web'));
    await until('the device is ready', async () => (await about(device))['pantavisor.status'] === 'READY');
    const meta = await about(device);
    const cpu = /^model name\s*: (.*)$/m.exec(proc('cpuinfo'))?.[1];
    const model = existsSync('/proc/device-tree/model') ? proc('device-tree/model').replace(/\0$/, '') : undefined;
    expect(meta).toMatchObject({
      'pantavisor.arch': `${uname('-m')}/64/EL`,
      'pantavisor.version': project.version,
      ...(cpu === undefined ? {} : { 'pantavisor.cpumodel': cpu }),
      ...(model === undefined ? {} : { 'pantavisor.dtmodel': model }),
      'pantavisor.revision': 'locals/app',
      'pantavisor.mode': 'local',
      'pantavisor.status': 'READY',
      'pantavisor.uname': {
        'kernel.name': uname('-s'),
        'kernel.release': uname('-r'),
        'kernel.version': uname('-v'),
        'node.name': uname('-n'),
        machine: uname('-m'),
      },
      'pantahub.online': '0',
      'pantahub.claimed': '0',
    });
    for (const [key, list] of Object.entries(addresses())) expect(meta['interfaces']).toHaveProperty([key], list);

    const { blocks, bsize } = statfsSync(device.storage);
    const storage = meta['storage'] as Record<string, number>; // numbers, as on a C device
    expect(storage).toMatchObject({ total: blocks * bsize });
    expect(storage['reserved']).toBeCloseTo((blocks * bsize) / 10, -4);
    expect(storage['real_free']).toBe((storage['free'] ?? 0) - (storage['reserved'] ?? 0));

    const info = meta['sysinfo'] as Record<string, number>;
    expect(Object.keys(info)).toEqual([
      ...['uptime', 'loads.0', 'loads.1', 'loads.2', 'totalram', 'freeram', 'sharedram', 'bufferram', 'totalswap'],
      ...['freeswap', 'procs', 'totalhigh', 'freehigh', 'mem_unit'],
    ]);
    const memory = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(proc('meminfo'))?.[1]) * 1024;
    const unit = info['mem_unit'] ?? 0;
    expect((info['totalram'] ?? 0) * unit).toBe(memory('MemTotal'));
    expect((info['totalswap'] ?? 0) * unit).toBe(memory('SwapTotal'));
    expect(Math.abs((info['uptime'] ?? 0) - Number(proc('uptime').split('.')[0]))).toBeLessThan(30);
    expect(Math.abs((info['loads.0'] ?? 0) / 65_536 - Number(proc('loadavg').split(' ')[0]))).toBeLessThan(4);

    const { timeval, timezone } = meta['time'] as { timeval: { tv_sec: number }; timezone: Json };
    expect(Math.abs(timeval.tv_sec - Date.now() / 1000)).toBeLessThan(30);
    expect(timezone).toEqual({ tz_minuteswest: expect.any(Number), tz_dsttime: 0 });
  });

  test('is shown in files, costs no flash, and follows the device', async ({ device }) => {
    await device.start();
    const live = (key: string): string => readFileSync(join(device.run, 'device-meta', key), 'utf8');
    await device.deploy('one', realState().container('web'));
    await until('it is told', () => live('pantavisor.revision') === 'locals/one');
    await device.deploy('two', realState().container('web').container('sdk'));
    await until('it is told', () => live('pantavisor.revision') === 'locals/two');
    expect(await put(device, '/device-meta/sdk.version', '7')).toBe(200);
    expect(readdirSync(join(device.storage, 'cache/devmeta'))).toEqual(['sdk.version']);
    expect(statSync(join(device.run, 'device-meta/sdk.version')).mode & 0o777).toBe(0o644);
    expect(await device.read('sdk', '/pantavisor/device-meta/sdk.version')).toBe('7');
    await device.kill();
    await device.start();
    expect(await about(device)).toMatchObject({ 'sdk.version': '7', 'pantavisor.revision': 'locals/two' });
  });

  test('wakes nobody who does not need it', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web', { run: { restart_policy: 'container' } }));
    await until('the device is ready', async () => (await about(device))['pantavisor.status'] === 'READY');
    await device.converged();
    const watched = join(device.directory, 'watched');
    const socket = join(device.run, 'pv-ctrl');
    const url = 'http://localhost/status/watch';
    const watcher = spawn('curl', ['-sN', '--unix-socket', socket, '-o', watched, url], { stdio: 'ignore' });
    try {
      const told = (): string => (existsSync(watched) ? readFileSync(watched, 'utf8') : '');
      await until('it watches', () => told().includes('event: snapshot'));
      const before = device.log();
      for (let value = 0; value < 20; value++) {
        expect(await put(device, '/user-meta/web.colour', String(value))).toBe(200);
        expect(await put(device, '/device-meta/web.state', String(value))).toBe(200);
      }
      expect(await put(device, '/user-meta/PV_LOG_PUSH', '0')).toBe(200);
      // An order of the operator is told, and comes after all of that.
      expect((await device.request('PUT', '/containers/web', { action: 'restart' })).status).toBe(200);
      await until('the order is told', () => told().includes('event: patch'));
      expect(
        told()
          .slice(0, told().indexOf('event: patch'))
          .match(/^event: /gm),
      ).toEqual(['event: ']);
      await until('it is logged', () => device.log().slice(before.length).includes('\n'));
      expect(device.log().slice(before.length).split('\n')[0]).toMatch(/container\.halt/);
    } finally {
      watcher.kill();
    }
  });
});

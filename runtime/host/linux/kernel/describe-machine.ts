/** What kind of machine this is, and how it is doing. */
import { readFile } from 'node:fs/promises';
import {
  arch,
  endianness,
  hostname,
  loadavg,
  machine,
  networkInterfaces,
  release,
  type,
  uptime,
  version,
} from 'node:os';
import type { Machine, MachineNow } from '../../machine.ts';
import { isAbsence } from '../files/file-errors.ts';

/** Empty: there is none. */
const textOf = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsence(error)) return '';
    throw error;
  }
};

const WIDE: readonly string[] = ['x64', 'arm64', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el'];

export const describeMachine = async (): Promise<Machine> => {
  const cpu = await textOf('/proc/cpuinfo');
  const model = await textOf('/proc/device-tree/model');
  return {
    // 32-bit ARM is `armv7l` and the like in uname, and `arm` in Pantavisor's builds.
    arch: arch() === 'arm' ? 'arm' : machine(),
    bits: WIDE.includes(arch()) ? 64 : 32,
    endianness: endianness() === 'LE' ? 'EL' : 'EB',
    deviceTreeModel: model.replace(/\0+$/, ''),
    cpuModel: /^model name\s*:\s*(.*)$/m.exec(cpu)?.[1] ?? '',
    kernel: { name: type(), release: release(), version: version(), node: hostname(), machine: machine() },
  };
};

const NO_MAC = '00:00:00:00:00:00';

const addresses = (): MachineNow['interfaces'] => {
  const found: Record<string, string[]> = {};
  const add = (key: string, value: string): void => {
    const list = found[key] ?? [];
    if (!list.includes(value)) found[key] = [...list, value];
  };
  for (const [name, infos = []] of Object.entries(networkInterfaces())) {
    for (const info of infos) {
      if (info.mac !== NO_MAC && info.mac.length === NO_MAC.length) add(`${name}.mac`, info.mac);
      if (info.family === 'IPv4') add(`${name}.ipv4`, info.address);
      // Link-local addresses mean nothing without their interface.
      else add(`${name}.ipv6`, info.scopeid > 0 ? `${info.address}%${name}` : info.address);
    }
  }
  return found;
};

/** sysinfo(2) counts loads in 65536ths. */
const LOAD_UNIT = 65_536;

export const describeNow = async (): Promise<MachineNow> => {
  const memory = await textOf('/proc/meminfo');
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(memory)?.[1] ?? 0) * 1024;
  const loads = loadavg().map((load) => Math.round(load * LOAD_UNIT));
  const processes = Number(/^(?:\S+ ){3}\d+\/(\d+)/.exec(await textOf('/proc/loadavg'))?.[1] ?? 0);
  return {
    interfaces: addresses(),
    sysinfo: {
      uptime: Math.floor(uptime()),
      'loads.0': loads[0] ?? 0,
      'loads.1': loads[1] ?? 0,
      'loads.2': loads[2] ?? 0,
      totalram: bytesOf('MemTotal'),
      freeram: bytesOf('MemFree'),
      sharedram: bytesOf('Shmem'),
      bufferram: bytesOf('Buffers'),
      totalswap: bytesOf('SwapTotal'),
      freeswap: bytesOf('SwapFree'),
      procs: processes,
      totalhigh: bytesOf('HighTotal'),
      freehigh: bytesOf('HighFree'),
      mem_unit: 1,
    },
    timezoneMinutesWest: new Date().getTimezoneOffset(),
  };
};

/** What device-meta says about the machine, from what the host found out. Pure. */
import type { Machine, MachineNow } from '../host/machine.ts';

export interface DiskRoom {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly reservedBytes: number;
  readonly availableBytes: number;
}

/** Every key that Pantavisor sets by itself here. */
export const FACTS: readonly string[] = [
  'pantavisor.arch',
  'pantavisor.version',
  'pantavisor.dtmodel',
  'pantavisor.cpumodel',
  'pantavisor.uname',
  'pantavisor.mode',
  'pantahub.claimed',
  'pantahub.online',
  'interfaces',
  'storage',
  'sysinfo',
  'time',
  'pantavisor.revision',
  'pantavisor.status',
];

export type Facts = Readonly<Record<string, string>>;

/** What stays as it is while the daemon runs. This device has no Hub: it is in local mode, offline and unclaimed. */
export const lastingFacts = (machine: Machine, version: string): Facts => {
  const { arch, bits, endianness, deviceTreeModel, cpuModel, kernel } = machine;
  return {
    'pantavisor.arch': `${arch}/${bits}/${endianness}`,
    'pantavisor.version': version,
    'pantavisor.dtmodel': deviceTreeModel,
    'pantavisor.cpumodel': cpuModel,
    'pantavisor.uname': JSON.stringify({
      'kernel.name': kernel.name,
      'kernel.release': kernel.release,
      'kernel.version': kernel.version,
      'node.name': kernel.node,
      machine: kernel.machine,
    }),
    'pantavisor.mode': 'local',
    'pantahub.claimed': '0',
    'pantahub.online': '0',
  };
};

/** What changes all the time, as of this moment. */
export const passingFacts = (now: MachineNow, disk: DiskRoom, wallTime: Date): Facts => ({
  interfaces: JSON.stringify(now.interfaces),
  storage: JSON.stringify({
    total: disk.totalBytes,
    free: disk.freeBytes,
    reserved: disk.reservedBytes,
    real_free: disk.availableBytes,
  }),
  sysinfo: JSON.stringify(now.sysinfo),
  time: JSON.stringify({
    timeval: { tv_sec: Math.floor(wallTime.getTime() / 1000), tv_usec: (wallTime.getTime() % 1000) * 1000 },
    timezone: { tz_minuteswest: now.timezoneMinutesWest, tz_dsttime: 0 },
  }),
});

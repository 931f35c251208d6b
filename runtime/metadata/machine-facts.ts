/** What device-meta says about the machine (metadata.md §2), from what the host found out. Pure. */

export interface Machine {
  /** As uname calls it: `x86_64`. */
  readonly arch: string;
  readonly bits: 32 | 64;
  readonly endianness: 'EL' | 'EB';
  /** Empty: it has no device tree. */
  readonly deviceTreeModel: string;
  /** Empty: the kernel does not name it. */
  readonly cpuModel: string;
  readonly kernel: {
    readonly name: string;
    readonly release: string;
    readonly version: string;
    readonly node: string;
    readonly machine: string;
  };
}

export interface MachineNow {
  /** By `<interface>.<family>`, the family one of ipv4, ipv6, mac. */
  readonly interfaces: Readonly<Record<string, readonly string[]>>;
  /** In the units of sysinfo(2). */
  readonly sysinfo: Readonly<Record<string, number>>;
  readonly timezoneMinutesWest: number;
}

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

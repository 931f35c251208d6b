/** What a host says about the machine it runs on: what never changes, and what does. */

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

/** What a container uses, from its cgroups: each figure from the hierarchy that has it, v1, hybrid or v2 alike. */
import { readFile } from 'node:fs/promises';
import { payloadCgroup } from '../../../../resources/lxc/lxc-place.ts';
import { hasCode } from '../files/file-errors.ts';
import { cgroupHierarchies, type Hierarchy } from './cgroups.ts';

/** undefined: this kernel does not count it for the container. */
export interface Usage {
  /** Since it was started. */
  readonly cpuSeconds: number | undefined;
  /** Without what the kernel would give back at once (inactive file cache). */
  readonly memoryBytes: number | undefined;
  /** undefined also: there is no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly readBytes: number | undefined;
  readonly writtenBytes: number | undefined;
  readonly processes: number | undefined;
}

/** Reads a file of one of the container's cgroups; undefined: it is not there. */
export type ReadCgroup = (file: string) => Promise<string | undefined>;

const NANO = 1e9;
const MICRO = 1e6;
/** v1 writes "no limit" as the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 62;

const numberIn = (text: string | undefined): number | undefined => {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
};

/** `key value` lines. */
const fieldIn = (text: string | undefined, key: string): number | undefined =>
  numberIn(
    text
      ?.split('\n')
      .find((line) => line.startsWith(`${key} `))
      ?.slice(key.length + 1),
  );

const withoutCache = (used: number | undefined, cache: number | undefined): number | undefined =>
  used === undefined ? undefined : Math.max(0, used - (cache ?? 0));

/** `major:minor Read 4096` lines. */
const sumOf = (text: string | undefined, operation: string): number | undefined =>
  text
    ?.split('\n')
    .map((line) => line.split(' '))
    .filter(([, what]) => what === operation)
    .reduce((sum, [, , bytes]) => sum + Number(bytes), 0);

/** `major:minor rbytes=4096 wbytes=0 …` lines. */
const ioIn = (text: string | undefined, key: string): number | undefined =>
  text === undefined
    ? undefined
    : [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce((sum, [, bytes]) => sum + Number(bytes), 0);

/** Of a cgroup v2. */
export const unifiedUsage = async (read: ReadCgroup): Promise<Usage> => {
  const cpu = fieldIn(await read('cpu.stat'), 'usage_usec');
  const io = await read('io.stat');
  return {
    cpuSeconds: cpu === undefined ? undefined : cpu / MICRO,
    memoryBytes: withoutCache(
      numberIn(await read('memory.current')),
      fieldIn(await read('memory.stat'), 'inactive_file'),
    ),
    memoryLimitBytes: numberIn(await read('memory.max')),
    readBytes: ioIn(io, 'rbytes'),
    writtenBytes: ioIn(io, 'wbytes'),
    processes: numberIn(await read('pids.current')),
  };
};

/** Of cgroups v1: what a hierarchy without the controller has not got is undefined. */
export const legacyUsage = async (read: ReadCgroup): Promise<Usage> => {
  const cpu = numberIn(await read('cpuacct.usage'));
  const limit = numberIn(await read('memory.limit_in_bytes'));
  const io = await read('blkio.throttle.io_service_bytes_recursive');
  return {
    cpuSeconds: cpu === undefined ? undefined : cpu / NANO,
    memoryBytes: withoutCache(
      numberIn(await read('memory.usage_in_bytes')),
      fieldIn(await read('memory.stat'), 'total_inactive_file'),
    ),
    memoryLimitBytes: limit === undefined || limit >= NO_LIMIT_BYTES ? undefined : limit,
    readBytes: sumOf(io, 'Read'),
    writtenBytes: sumOf(io, 'Write'),
    processes: numberIn(await read('pids.current')),
  };
};

const readerIn =
  ({ mountPoint }: Hierarchy, cgroup: string): ReadCgroup =>
  async (file) => {
    try {
      return await readFile(`${mountPoint}/${cgroup}/${file}`, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) return undefined; // no such controller, or just gone
      throw error;
    }
  };

/** The first that knows a figure tells it: v1 hierarchies come before v2, where the controllers of a hybrid are. */
const merged = (usages: readonly Usage[]): Usage => {
  const told = (figure: keyof Usage): number | undefined =>
    usages.map((usage) => usage[figure]).find((value) => value !== undefined);
  return {
    cpuSeconds: told('cpuSeconds'),
    memoryBytes: told('memoryBytes'),
    memoryLimitBytes: told('memoryLimitBytes'),
    readBytes: told('readBytes'),
    writtenBytes: told('writtenBytes'),
    processes: told('processes'),
  };
};

/** How containers of one daemon are doing. */
export const usageReader = (lxcPath: string): ((name: string) => Promise<Usage>) => {
  const hierarchies = cgroupHierarchies().toSorted((a, b) => Number(a.unified) - Number(b.unified));
  return async (name) => {
    const cgroup = payloadCgroup(lxcPath, name);
    const usageIn = (hierarchy: Hierarchy): Promise<Usage> =>
      (hierarchy.unified ? unifiedUsage : legacyUsage)(readerIn(hierarchy, cgroup));
    return merged(await Promise.all(hierarchies.map(usageIn)));
  };
};

import { describe, expect, it } from 'vitest';
import { legacyUsage, type ReadCgroup, unifiedUsage } from '../../../../../runtime/host/linux/lxc/cgroup-usage.ts';

const cgroup =
  (files: Readonly<Record<string, string>>): ReadCgroup =>
  async (file) =>
    files[file];

const NOTHING = {
  cpuSeconds: undefined,
  memoryBytes: undefined,
  memoryLimitBytes: undefined,
  readBytes: undefined,
  writtenBytes: undefined,
  processes: undefined,
};

describe('what a container uses', () => {
  it('by cgroup v2', async () => {
    const files = {
      'cpu.stat': 'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n',
      'memory.current': '5000\n',
      'memory.max': '10000\n',
      'memory.stat': 'anon 3000\nfile 2000\nactive_inactive_file 7\ninactive_file 1500\n',
      'io.stat': '8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n7:0 rbytes=11 wbytes=0 rios=1 wios=0\n7:1 \n',
      'pids.current': '3\n',
    };
    expect(await unifiedUsage(cgroup(files))).toEqual({
      cpuSeconds: 1.5,
      memoryBytes: 3500,
      memoryLimitBytes: 10_000,
      readBytes: 111,
      writtenBytes: 20,
      processes: 3,
    });
    const unlimited = { 'memory.max': 'max\n', 'io.stat': '' };
    expect(await unifiedUsage(cgroup(unlimited))).toEqual({ ...NOTHING, readBytes: 0, writtenBytes: 0 });
    expect(await unifiedUsage(cgroup({}))).toEqual(NOTHING);
  });

  it('by cgroup v1', async () => {
    const files = {
      'cpuacct.usage': '1500000000\n',
      'memory.usage_in_bytes': '5000\n',
      'memory.limit_in_bytes': '10000\n',
      'memory.stat': 'inactive_file 1\ntotal_inactive_file 1500\n',
      'blkio.throttle.io_service_bytes_recursive':
        '8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n7:0 Read 11\n7:0 Write 0\nTotal 131\n',
      'pids.current': '3\n',
    };
    expect(await legacyUsage(cgroup(files))).toEqual({
      cpuSeconds: 1.5,
      memoryBytes: 3500,
      memoryLimitBytes: 10_000,
      readBytes: 111,
      writtenBytes: 20,
      processes: 3,
    });
    expect(await legacyUsage(cgroup({ 'memory.limit_in_bytes': '9223372036854771712\n' }))).toEqual(NOTHING);
  });

  it('is never less than nothing', async () => {
    const files = { 'memory.current': '100\n', 'memory.stat': 'inactive_file 200\n' };
    expect((await unifiedUsage(cgroup(files))).memoryBytes).toBe(0);
  });
});

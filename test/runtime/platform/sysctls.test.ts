import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sysctlPath } from '../../../runtime/host/linux/kernel/sysctl.ts';
import { openSysctls, type Sysctls } from '../../../runtime/platform/sysctls.ts';

let root: string;
let sysctls: Sysctls;
let problems: string[];
const contentOf = (path: string): string => readFileSync(join(root, path), 'utf8');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pvtest-sysctl-'));
  mkdirSync(join(root, 'net/ipv4'), { recursive: true });
  mkdirSync(join(root, 'kernel'));
  for (const path of ['net/ipv4/ip_forward', 'kernel/panic', 'kernel/core_pattern'])
    writeFileSync(join(root, path), '0');
  problems = [];
  sysctls = openSysctls((subject, message) => problems.push(`${subject}: ${message}`), root);
});
afterEach(() => rmSync(root, { recursive: true }));

describe('a kernel setting', () => {
  it.each([
    ['sysctl.net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['PV_SYSCTL_NET_IPV4_IP_FORWARD', 'net/ipv4/ip_forward'],
    ['pv_sysctl_kernel_panic', 'kernel/panic'],
    ['PV_SYSCTL_KERNEL_CORE_PATTERN', 'kernel/core_pattern'],
  ])('%s is %s', async (key, path) => {
    expect(await sysctlPath(key, root)).toBe(path);
  });

  it.each(['sysctl...x', 'sysctl.a/../../etc/passwd', 'sysctl.', `sysctl${'.a'.repeat(17)}`, 'PV_SYSCTL__'])(
    '%s is none',
    async (key) => {
      await sysctls.apply([{ key, value: '1' }]);
      expect(problems).toEqual([expect.stringContaining('names no kernel setting')]);
    },
  );

  it('is written, and one that is not there is told, not made', async () => {
    await sysctls.apply([
      { key: 'sysctl.kernel.nothing', value: '1' },
      { key: 'sysctl.kernel.panic', value: '5' },
      { key: 'sysctl.kernel.core_pattern', value: 'core' },
    ]);
    expect([contentOf('kernel/panic'), contentOf('kernel/core_pattern')]).toEqual(['5', 'core']);
    expect(problems).toEqual([expect.stringMatching(/^sysctl.kernel.nothing: .*ENOENT/)]);
  });

  it('of metadata comes back as it was, however often it was changed', async () => {
    for (const value of ['5', '6', undefined]) await sysctls.set('sysctl.kernel.panic', value);
    expect([contentOf('kernel/panic'), problems]).toEqual(['0', []]);
  });

  it('that names a program is not for metadata', async () => {
    await sysctls.set('sysctl.kernel.core_pattern', '|/evil');
    await sysctls.set('PV_SYSCTL_KERNEL_CORE_PATTERN', '|/evil');
    expect([contentOf('kernel/core_pattern'), problems.length]).toEqual(['0', 2]);
  });
});

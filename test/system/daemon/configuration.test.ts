/** Where a real daemon's configuration comes from, and that nothing in it keeps the daemon from starting. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { PROGRAM } from './daemon-process.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';
import { put } from './sending.ts';
import { until } from './until.ts';

const shown = async (device: RealDevice, name: string): Promise<readonly [string, string]> => {
  const { body } = await device.request('GET', '/config2');
  const found = (JSON.parse(body) as { key: string; value: string; modified: string }[]).find(
    ({ key }) => key === name,
  );
  return [found?.value ?? '', found?.modified ?? ''];
};

const becomes = (device: RealDevice, name: string, expected: readonly [string, string]): Promise<void> =>
  until(`${name} is ${expected}`, async () => (await shown(device, name)).join() === expected.join(), {
    detail: () => shown(device, name),
  });

/** The object has to come with some container. */
const withOem = (state: RealState, text: string): RealState =>
  state
    .container('web', { files: { 'oem.config': text } })
    .with('acme/prod.config', createHash('sha256').update(text).digest('hex'));

const etc = (device: RealDevice): string => {
  const directory = join(device.directory, 'etc');
  mkdirSync(join(directory, 'policies'), { recursive: true });
  return directory;
};

describeSystem('the configuration', () => {
  test('comes from file, policy, OEM, command line, environment and metadata', async ({ device }) => {
    const directory = etc(device);
    writeFileSync(
      join(directory, 'pv.config'),
      'policy=prod\nrevision.retries=1\nPV_OEM_NAME=acme\nPV_LXC_LOG_LEVEL=1\n',
    );
    writeFileSync(join(directory, 'policies/prod.config'), 'revision.retries=2\nPV_LXC_LOG_LEVEL=3\nPV_LOG_LEVLE=1\n');
    const words = ['--config', join(directory, 'pv.config'), '--cmdline', 'ro pv_net.brdev=br9 pv_try=1'];
    await device.start({ PV_SYSTEM_ETCPANTAVISORDIR: directory }, { parameters: words });
    expect(device.log()).toContain(
      'PV_LOG_LEVLE is no configuration key, so it is ignored; did you mean PV_LOG_LEVEL?',
    );
    expect(await shown(device, 'PV_REVISION_RETRIES')).toEqual(['2', 'policy']);
    expect(await shown(device, 'PV_NET_BRDEV')).toEqual(['br9', 'pv cmdline']);
    expect(await shown(device, 'PV_STORAGE_MNTPOINT')).toEqual([device.storage, 'env']);

    expect(
      await device.deploy('one', withOem(realState(), 'revision.retries=4\nPV_UPDATER_GOALS_TIMEOUT=9\n')),
    ).toMatchObject({
      status: 'DONE',
    });
    expect(await shown(device, 'PV_REVISION_RETRIES')).toEqual(['4', 'oem config']);
    expect(await put(device, '/user-meta/revision.retries', '5')).toBe(200);
    expect(await shown(device, 'PV_REVISION_RETRIES')).toEqual(['5', 'metadata']);

    const explained = execFileSync(PROGRAM, ['config', 'PV_REVISION_RETRIES', ...words], {
      encoding: 'utf8',
      env: { ...process.env, ...device.environment() },
    });
    expect(explained).toContain('value       5');
    for (const other of ['"1" by pv conf file', '"2" by policy', '"4" by oem config (acme/prod.config:1), overruled'])
      expect(explained).toContain(`also set    ${other}`);

    await device.kill();
    await device.start();
    await becomes(device, 'PV_REVISION_RETRIES', ['5', 'metadata']);
    expect((await device.request('DELETE', '/user-meta/revision.retries')).status).toBe(200);
    await becomes(device, 'PV_REVISION_RETRIES', ['4', 'oem config']);
    await device.deploy('two', realState().container('web'));
    await becomes(device, 'PV_REVISION_RETRIES', ['2', 'policy']);
  });

  test('is told and passed over where it is broken', async ({ device }) => {
    const directory = etc(device);
    symlinkSync('/dev/zero', join(directory, 'policies/prod.config'));
    writeFileSync(join(directory, 'pv.config'), Buffer.alloc(1 << 20, 'x=\0\n'));
    const meta = join(device.storage, 'cache/meta');
    mkdirSync(meta, { recursive: true });
    writeFileSync(join(meta, 'log.level'), Buffer.alloc(1 << 20, 'x'));
    execFileSync('mkfifo', [join(meta, 'PV_DEBUG_SSH')]);
    const settings = { PV_SYSTEM_ETCPANTAVISORDIR: directory, PV_POLICY: 'prod', PV_OEM_NAME: 'acme' };
    const parameters = ['--config', join(directory, 'pv.config'), '--cmdline', '\u0001pv_=pv_ pv_a=\u001b'];
    await device.start(settings, { parameters });
    for (const problem of [
      'the configuration file has no effect',
      'policy \\"prod\\" has no effect',
      'expected at most 4096',
    ])
      expect(device.log()).toContain(problem);
    const broken = withOem(realState(), `a=b\0${'c'.repeat(100)}`);
    expect(await device.deploy('one', broken)).toMatchObject({ status: 'DONE' });
    expect(device.log()).toContain('the OEM configuration has no effect');
  });

  test('reaches the kernel, and what metadata changed there comes back', async ({ device }) => {
    const file = '/proc/sys/kernel/printk_ratelimit_burst';
    const before = readFileSync(file, 'utf8');
    try {
      await device.start({ PV_SYSCTL_KERNEL_PRINTK_RATELIMIT_BURST: '11' });
      expect(readFileSync(file, 'utf8')).toBe('11\n');
      expect(await put(device, '/user-meta/sysctl.kernel.printk_ratelimit_burst', '12')).toBe(200);
      await until('the kernel knows', () => readFileSync(file, 'utf8') === '12\n');
      await device.request('DELETE', '/user-meta/sysctl.kernel.printk_ratelimit_burst');
      await until('it is as before', () => readFileSync(file, 'utf8') === '11\n');
    } finally {
      writeFileSync(file, before);
    }
  });
});

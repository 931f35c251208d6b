/** Clients that mean harm: the operator is served meanwhile, and the daemon neither stops nor grows without bounds. */
import { mkdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ATTACKS } from '../../../hack/benchmarks/hostile/attacks.ts';
import { besiege, type Siege } from '../../../hack/benchmarks/hostile/siege.ts';
import { longestStall, probed } from '../../../hack/benchmarks/stalls.ts';
import { describeSystem } from '../require-root.ts';
import { test } from './real-device.ts';
import { realState } from './real-state.ts';

/** On a machine whose cores are everybody's; hack/bench hostile measures. */
const MOST_MS = 5_000;
const MOST_STALL_MS = 2_000;
const MOST_MB = 128;

const sentence = ({ attack, served, refused, longestMs, stallMs, growthMb }: Siege): string =>
  `${attack}: ${served} served, ${refused} refused, at most ${longestMs.toFixed(0)} ms; longest stall ${stallMs.toFixed(1)} ms, ${growthMb.toFixed(0)} MB more`;

describeSystem('hostile clients', () => {
  test('do not keep the operator from being served', { timeout: 200_000 }, async ({ device }) => {
    await device.start(probed(device));
    await device.deploy(
      'app',
      realState()
        .container('web')
        .container('plain', { run: { roles: ['nobody'] } }),
    );
    const pid = device.daemonPid();
    const besieged = { run: device.run, pid, longestStall: () => longestStall(device, { pid }) };
    const sieges: Siege[] = [];
    for (const attack of Object.keys(ATTACKS)) {
      sieges.push(await besiege(besieged, attack));
      process.stdout.write(`${sieges.map(sentence).at(-1)}\n`);
    }
    for (const { attack, refused, longestMs, stallMs, growthMb } of sieges) {
      expect([attack, refused]).toEqual([attack, 0]);
      expect(longestMs).toBeLessThan(MOST_MS);
      expect(stallMs).toBeLessThan(MOST_STALL_MS);
      expect(growthMb).toBeLessThan(MOST_MB);
    }
    expect(device.daemonPid()).toBe(pid);
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('who put a link in the place of the socket lead nobody anywhere', async ({ device }) => {
    const victim = join(device.directory, 'victim');
    writeFileSync(victim, 'precious');
    mkdirSync(join(device.run, 'nobody'), { recursive: true });
    for (const path of ['pv-ctrl', 'nobody/pv-ctrl', 'nobody/.pv-ctrl.new'])
      symlinkSync(victim, join(device.run, path));
    await device.start();
    expect(statSync(victim)).toMatchObject({ size: 8, mode: 0o100644 });
    for (const path of ['pv-ctrl', 'nobody/pv-ctrl']) expect(statSync(join(device.run, path)).isSocket()).toBe(true);
    expect((await device.request('GET', '/containers')).status).toBe(200);
    // While it runs: whoever replaces it is undone by the next start, and the daemon does not write through it.
    rmSync(join(device.run, 'pv-ctrl'));
    symlinkSync('/dev/zero', join(device.run, 'pv-ctrl'));
    await device.kill();
    await device.start();
    expect(() => readlinkSync(join(device.run, 'pv-ctrl'))).toThrow('EINVAL');
  });
});

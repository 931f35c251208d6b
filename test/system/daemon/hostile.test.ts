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
import { until } from './until.ts';

/** On a machine whose cores are everybody's; hack/bench hostile measures. */
const MOST_MS = 5_000;
const MOST_STALL_MS = 2_000;
/** Garbage included, which a busy machine collects late. Each attack would take much more if anything of it were kept. */
const MOST_MB = 256;

const sentence = ({ attack, served, refused, longestMs, stallMs, growthMb }: Siege): string =>
  `${attack}: ${served} served, ${refused} refused, at most ${longestMs.toFixed(0)} ms; longest stall ${stallMs.toFixed(1)} ms, ${growthMb.toFixed(0)} MB more`;

/** Opens all the connections that it can, and tells how many of them were not closed. */
const FLOOD = `use strict; use IO::Socket::UNIX; $| = 1;
my @all = grep { defined } map { IO::Socket::UNIX->new(Peer => '/pantavisor/pv-ctrl') } 1 .. 300;
sleep 2; my $held = 0;
for my $socket (@all) { $socket->blocking(0); my $read = sysread $socket, my $byte, 1; $held++ unless defined $read or $!{ECONNRESET} }
print "$held held\n"; sleep 20;
`;

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

  test('in a container have their share of connections and no more', async ({ device }) => {
    await device.start();
    const flood = { config: { 'flood.pl': FLOOD }, behaviour: 'perl /flood.pl; echo end' };
    const names = Array.from({ length: 10 }, (_, index) => `flood${index}`);
    const state = names.reduce((all, name) => all.container(name, flood), realState().container('web'));
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    const heldBy = (name: string): number => Number(/^(\d+) held/m.exec(device.console('locals/app', name))?.[1]);
    await until('all have what they get', () => names.every((name) => !Number.isNaN(heldBy(name))));
    expect((await device.request('GET', '/containers')).status).toBe(200);
    const held = names.map(heldBy);
    expect(Math.max(...held)).toBe(16);
    expect(held.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(128);
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

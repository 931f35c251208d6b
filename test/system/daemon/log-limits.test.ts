/** Containers that log as fast as they can, and disks that are too small for it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { bytesBelow, counting, expectConsecutive, logOf, numbersIn, whole } from './logs-of.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

describeSystem('a flood of console output', () => {
  test('fills neither disk nor run directory, delays nobody, and loses no line of others', async ({ device }) => {
    await device.start({ PV_LOG_DIR_MAXSIZE: '8M' });
    const flood = 'while :; do cat /bin/busybox; done';
    const state = realState()
      .container('flood', {
        behaviour: `/bin/busybox yes 0123456789012345678901234567890123456789012345678901234567 & `,
      })
      .container('binary', { behaviour: `(${flood}) & ` })
      .container('quiet', { behaviour: counting('/var/log/messages', '0.02') });
    await device.deploy('app', state);
    const answers = await answersOf(device, 8_000);
    const slowest = Math.max(...answers);
    const cpu = cpuSeconds(device.daemonPid());
    await sleep(2_000);
    const used = (cpuSeconds(device.daemonPid()) - cpu) / 2;
    const sizes = { logs: bytesBelow(device.logs), capture: bytesBelow(join(device.run, 'capture')) };
    process.stdout.write(
      `flood: slowest answer ${slowest.toFixed(0)} ms (${answers.indexOf(slowest)} of ${answers.length}), daemon ${(used * 100).toFixed(0)} % of a core, `,
    );
    process.stdout.write(
      `${(sizes.logs / 1e6).toFixed(1)} MB of logs, ${(sizes.capture / 1e6).toFixed(1)} MB captured\n`,
    );
    expect(sizes.logs).toBeLessThan(8.5 * (1 << 20));
    expect(sizes.capture).toBeLessThan(4 << 20);
    // The slowest is the machine's, with everything else that runs on it.
    expect(quantile(answers, 0.9)).toBeLessThan(200);
    const quiet = numbersIn(whole(logOf(device, 'quiet/var/log/messages')));
    expect(quiet.length).toBeGreaterThan(200);
    expectConsecutive(quiet);
    expect(whole(logOf(device, 'flood/lxc/console.log'))).toContain('output is missing here');
    expect(readdirSync(logOf(device, 'flood/lxc')).some((name) => name.endsWith('.gz'))).toBe(true);
  });
}, ['lxc', 'loop', 'squashfs']);

/** How long the daemon takes to answer, in ms, for so long. */
const answersOf = async (device: RealDevice, forMs: number): Promise<readonly number[]> => {
  const answers: number[] = [];
  for (const end = performance.now() + forMs; performance.now() < end; await sleep(20)) {
    const began = performance.now();
    await device.request('GET', '/containers');
    answers.push(performance.now() - began);
  }
  return answers;
};

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length * share)] ?? Number.NaN;

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

describeSystem('logs on a small disk of their own', () => {
  test('keep to their marks, with the newest lines, and survive when the disk is full', async ({ device }) => {
    const image = join(device.directory, 'logs.img');
    const mounted = join(device.directory, 'logs');
    execFileSync('truncate', ['-s', '12M', image]);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', image]);
    mkdirSync(mounted);
    execFileSync('mount', ['-o', 'loop', image, mounted]);
    try {
      await device.start({ PV_LOG_DIR: mounted, PV_LOG_DIR_MAXSIZE: '2M' });
      const noise =
        'while :; do i=$((i+1)); echo "line $i"; /bin/busybox head -c 600 /dev/urandom | /bin/busybox base64; done >>/var/log/messages &';
      const behaviour = `mkdir -p /var/log; i=0; ${noise}`;
      await device.deploy('app', realState().container('web', { behaviour }));
      const directory = join(mounted, 'locals/app/web/var/log');
      const archives = (): readonly string[] =>
        existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.gz')) : [];
      let most = 0;
      await until(
        'the first archives have given way',
        () => {
          most = Math.max(most, bytesBelow(mounted));
          return archives().length > 3 && !archives().includes('messages.1.gz');
        },
        { limitMs: 60_000 },
      );
      expect(most).toBeLessThan(2.2 * (1 << 20));
      const numbers = numbersIn(whole(join(directory, 'messages')));
      expectConsecutive(numbers, numbers[0] ?? 0);

      execFileSync('sh', ['-c', `head -c 20M /dev/zero >${mounted}/filler || true`], { stdio: 'pipe' });
      await until('the loss is told', () => device.log().includes('log lines are lost: ENOSPC'), { limitMs: 30_000 });
      expect((await device.request('GET', '/containers')).status).toBe(200);
      execFileSync('rm', [join(mounted, 'filler')]);
      await until('lines are kept again', () => device.log().includes('log lines are kept again'), { limitMs: 30_000 });
      expect(device.log().split('log lines are lost: ENOSPC').length).toBeLessThanOrEqual(3);
    } finally {
      await device.kill();
      await device.start({ PV_LOG_DIR: device.logs });
      execFileSync('umount', ['-l', mounted]);
    }
  });
}, ['lxc', 'loop', 'squashfs', 'mkfs']);

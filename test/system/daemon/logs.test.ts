/** What real containers say, and where it ends up: consoles, files inside them, and daemons that die. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { counting, expectConsecutive, logOf, numbersIn, whole } from './logs-of.ts';
import { test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

describeSystem('logs of real containers', () => {
  test('consoles and LXC logs land in the tree of the revision, and in pv.log when that is wanted', async ({
    device,
  }) => {
    await device.start({ PV_LOG_SERVER_OUTPUTS: 'filetree,singlefile' });
    await device.deploy('app', realState().container('web', { behaviour: 'echo hello from the console' }));
    await until('the console is there', () => device.console('locals/app', 'web').includes('hello'));
    await until('the LXC log is there', () => existsSync(logOf(device, 'web/lxc/lxc.log')));
    const [line] = readFileSync(logOf(device, 'pv.log'), 'utf8')
      .split('\n')
      .filter((text) => text.includes('hello'))
      .map((text) => JSON.parse(text));
    expect(line).toMatchObject({ platform: 'web', lvl: 'INFO', src: 'lxc/console.log', msg: 'hello from the console' });
    expect(statSync(logOf(device, 'web/lxc/console.log')).mode & 0o777).toBe(0o644);
    expect(statSync(logOf(device, 'web/lxc')).mode & 0o777).toBe(0o755);
    await device.deploy('empty', realState());
    await until('what was captured of it is forgotten', () => readdirSync(join(device.run, 'capture')).length === 0);
    expect(device.console('locals/app', 'web')).toContain('hello');
  });

  test('neither a console nor a file loses or repeats a line when the daemon is killed, again and again', async ({
    device,
  }) => {
    await device.start();
    const behaviour = counting('/dev/console') + counting('/var/log/messages') + counting('/var/log/syslog', '0.003');
    await device.deploy('app', realState().container('web', { behaviour }));
    const files = ['web/lxc/console.log', 'web/var/log/messages', 'web/var/log/syslog'];
    for (let round = 0; round < 6; round += 1) {
      await until('it is logged', () => existsSync(logOf(device, 'web/var/log/messages')));
      await sleep(300 + round * 70);
      await device.kill();
      await sleep(200);
      await device.start();
    }
    const before = files.map((file) => numbersIn(whole(logOf(device, file))).length);
    await until('it goes on', () =>
      files.every((file, index) => numbersIn(whole(logOf(device, file))).length > (before[index] ?? 0) + 20),
    );
    for (const file of files) expectConsecutive(numbersIn(whole(logOf(device, file))));
  });

  test('a file is followed over its rotation inside the container, and emptied when it is large', async ({
    device,
  }) => {
    await device.start();
    // What is rotated away in the second before it is followed is nobody's.
    const rotate = 'if [ $i -gt 400 ] && [ $((i % 50)) = 0 ]; then mv /var/log/messages /var/log/messages.1; fi;';
    const behaviour = counting('/var/log/messages', '0.005', rotate);
    const logs = [{ file: '/var/log/messages' }, { file: '/var/log/own', truncate: 'true', maxsize: '2000' }];
    const own =
      'echo "line 1" >/var/log/own; j=1; while :; do j=$((j+1)); echo "line $j" >>/var/log/own; sleep 0.02; done & ';
    await device.deploy('app', realState().container('web', { behaviour: `${behaviour}${own}`, run: { logs } }));
    await until(
      'it has rotated some times',
      () => numbersIn(whole(logOf(device, 'web/var/log/messages'))).length > 800,
    );
    expectConsecutive(numbersIn(whole(logOf(device, 'web/var/log/messages'))));
    let largest = 0;
    let smallest = Number.POSITIVE_INFINITY;
    await until('it was emptied', async () => {
      const size = (await device.read('web', '/var/log/own'))?.length ?? 0;
      if (size < largest) smallest = Math.min(smallest, size);
      largest = Math.max(largest, size);
      return smallest < 1000;
    });
    expect(largest).toBeLessThan(4000);
  });

  test('a symlink in the container that leads to a file of the host shows nothing of it', async ({ device }) => {
    const secret = join(device.directory, 'secret');
    writeFileSync(secret, 'of the host\n');
    await device.start();
    const behaviour = `mkdir -p /var/log; mkdir -p /real; ln -s ${secret} /var/log/messages; ln -s /real/log /var/log/syslog; echo line 1 >/real/log;`;
    const links = behaviour.replaceAll('ln -s', '/bin/busybox ln -s');
    await device.deploy('app', realState().container('web', { behaviour: links }));
    await until('the harmless one is followed', () => existsSync(logOf(device, 'web/var/log/syslog')));
    await sleep(300);
    expect(existsSync(logOf(device, 'web/var/log/messages'))).toBe(false);
    const { stdout } = spawnSync('grep', ['-rl', 'of the host', device.logs], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  test('lines go to the revision that runs, from containers that an update leaves alone, too', async ({ device }) => {
    await device.start();
    const web = { behaviour: counting('/dev/console') };
    await device.deploy('app', realState().container('web', web));
    await until('it is logged', () => device.console('locals/app', 'web').includes('line 20'));
    await device.deploy('next', realState().container('web', web).container('other', {}));
    await until('it goes on in the next', () => device.console('locals/next', 'web').includes('line'));
    const both = ['locals/app', 'locals/next'].map((revision) => whole(logOf(device, 'web/lxc/console.log', revision)));
    expectConsecutive(numbersIn(both.join('')));
  });

  test('a container without the role mgmt sees its own logs', async ({ device }) => {
    await device.start();
    const behaviour =
      'echo hello; while ! grep -q hello /pantavisor/logs/lxc/console.log; do sleep 0.1; done; touch /seen';
    await device.deploy('app', realState().container('web', { behaviour, run: { roles: ['nobody'] } }));
    await until('it has read it', async () => existsSync(`/proc/${await device.pidOf('web')}/root/seen`));
  });

  test('pvcontrol follows a console, over the death of the daemon and into the next revision', async ({ device }) => {
    await device.start();
    const web = { behaviour: counting('/dev/console', '0.05') };
    await device.deploy('app', realState().container('web', web));
    await until('it is logged', () => device.console('locals/app', 'web').includes('line'));
    const args = ['-s', join(device.run, 'pv-ctrl'), 'logs', '-f', '-n', 'all', 'web', 'console.log'];
    const following = spawn(join(import.meta.dirname, '../../../dist/pvcontrol'), args);
    let shown = '';
    following.stdout.on('data', (text) => {
      shown += text;
    });
    try {
      await until('it follows', () => shown.includes('line'));
      await device.kill();
      await device.start();
      const seen = numbersIn(shown).length;
      await until('it goes on', () => numbersIn(shown).length > seen + 5);
      await device.deploy('next', realState().container('web', web).container('other', {}));
      const before = numbersIn(shown).length;
      await until('it goes on in the next revision', () => numbersIn(shown).length > before + 10);
      expectConsecutive(numbersIn(shown));
    } finally {
      following.kill();
    }
  });

  test('an update tells in its progress what it came to grief of', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web', {}));
    const broken = realState().container('web', { lines: ['lxc.init.cmd = /nothing/here'] });
    expect(await device.deploy('broken', broken)).toMatchObject({ status: 'ERROR' });
    const progress = async () => JSON.parse((await device.request('GET', '/steps/locals/broken/progress')).body);
    await until('it is told', async () => (await progress()).logs !== undefined, { detail: progress });
    const { logs, status } = await progress();
    expect(status).toBe('ERROR');
    expect(Buffer.byteLength(logs)).toBeLessThanOrEqual(4096);
    const lines = String(logs)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ platform: 'pantavisor', lvl: 'ERROR' });
    expect(lines.map(({ msg }) => msg).join()).toContain('/nothing/here');
  });

  test('nothing is kept without PV_LOG_CAPTURE', async ({ device }) => {
    await device.start({ PV_LOG_CAPTURE: '0' });
    await device.deploy('app', realState().container('web', { behaviour: counting('/dev/console') }));
    await sleep(500);
    expect(device.console('locals/app', 'web')).toBe('');
    expect(existsSync(join(device.run, 'capture/web@locals%2Fapp/console.log'))).toBe(false);
  });
}, ['lxc', 'loop', 'squashfs']);

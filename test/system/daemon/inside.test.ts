/** Looking into containers from outside: a shell, a program, what they use; and completion that knows them. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { describeSystem, onPath } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../dist/pvcontrol');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const run = (program: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((fulfil, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (code) => fulfil({ code, out, err }));
    child.stdin.end(input);
  });

const pvcontrol = ({ run: directory }: RealDevice, args: readonly string[], input?: string, env?: NodeJS.ProcessEnv) =>
  run(PROGRAM, ['-s', join(directory, 'pv-ctrl'), ...args], input, env);

const PASSWD = 'root:x:0:0::/run:/bin/sh\nann:x:1000:1000::/tmp:/bin/sh\n';
const withGuests = () =>
  realState()
    .container('web', { config: { 'etc/passwd': PASSWD }, lines: ['lxc.environment = COLOUR=blue'] })
    .container('db', { run: { restart_policy: 'container' } });

const deployed = async (device: RealDevice): Promise<void> => {
  await device.start();
  expect(await device.deploy('app', withGuests())).toMatchObject({ status: 'DONE' });
};

describeSystem('pvcontrol, looking into containers,', () => {
  test('enters as a user of the container would: its namespaces, cgroups, environment, home and shell', async ({
    device,
  }) => {
    await deployed(device);
    const shown = await pvcontrol(device, [
      'enter',
      'web',
      'echo $USER $LOGNAME $HOME $SHELL $COLOUR; cat /etc/origin; cat /proc/self/cgroup; ask GET /containers; exit 42',
    ]);
    expect(shown.code).toBe(42);
    const [user, origin, ...rest] = shown.out.split('\n');
    expect([user, origin]).toEqual(['root root /run /bin/sh blue', 'image']);
    // Its own cgroup namespace: as seen from inside, everything begins at the container's own.
    for (const line of rest.filter((each) => /^\d+:/.test(each))) expect(line).toMatch(/:\/(\.lxc)?$/);
    // The daemon takes it for the container: by its cgroup, and nothing else.
    expect(rest.find((line) => line.startsWith('200 '))).toContain('"name":"db"');
    const [outside, inside] = [await pvcontrol(device, ['exec', 'web', 'ls', '/proc']), await device.pidOf('web')];
    expect(outside.out.split('\n')).not.toContain(String(inside));
  });

  test('is taken for the container by the daemon', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web', { run: { roles: ['nobody'] } }));
    expect((await pvcontrol(device, ['enter', 'web', 'ask GET /containers'])).out).toMatch(/^403 /);
  });

  test('runs programs with their very arguments, input and exit status', async ({ device }) => {
    await deployed(device);
    expect(await pvcontrol(device, ['exec', 'web', 'echo', '$HOME', '-v', '--json', 'a  b'])).toMatchObject({
      code: 0,
      out: '$HOME -v --json a  b\n',
    });
    expect(await pvcontrol(device, ['exec', 'web', 'cat'], 'from outside')).toMatchObject({
      code: 0,
      out: 'from outside',
    });
    expect((await pvcontrol(device, ['exec', 'web', 'sh', '-c', 'kill -9 $$'])).code).toBe(137);
    expect((await pvcontrol(device, ['exec', 'web', '/no/such/program'])).code).toBe(127);
    expect((await pvcontrol(device, ['enter', '-u', 'ann', 'web', 'echo $HOME; cat /etc/shadow'])).out).toBe('/tmp\n');
    expect((await pvcontrol(device, ['enter', 'web', 'echo $USER'], '', { PVUSER: 'ann' })).out).toBe('ann\n');
    expect(await pvcontrol(device, ['exec', '-u', 'eve', 'web', 'ls'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('it has no user eve'),
    });
  });

  test('says why it cannot', async ({ device }) => {
    await deployed(device);
    expect(await pvcontrol(device, ['enter', 'nothing'])).toMatchObject({
      code: 1,
      err: 'pvcontrol: no container found: nothing. There are: db, web\n',
    });
    expect((await pvcontrol(device, ['containers', 'stop', 'db'])).code).toBe(0);
    await device.becomes('db', 'STOPPED');
    expect((await pvcontrol(device, ['exec', 'db', 'ls'])).err).toMatch(/db does not run, it is STOPPED/);
  });

  test.skipIf(!onPath('python3'))('gives a terminal its own, with job control', async ({ device }) => {
    await deployed(device);
    // Types into a terminal like a person: waits for the prompt, ends a sleeper with Ctrl-C, looks at the terminal.
    const typist = `
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
def until(text):
    seen = b''
    while text not in seen:
        if not select.select([fd], [], [], 20)[0]: sys.exit('waited for %r, saw %r' % (text, seen))
        seen += os.read(fd, 4096)
    return seen
until(b'# ')
os.write(fd, b'sleep 1000; echo st"atus" $?\\r'); until(b'echo')
select.select([], [], [], 0.5)
os.write(fd, b'\\x03'); until(b'# ')
os.write(fd, b'test -t 0 && echo te"rm"inal $?\\r'); until(b'terminal 0')
os.write(fd, b'exit 7\\r')
try:
    while os.read(fd, 4096): pass
except OSError: pass
print('ended', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
    const ended = await run('python3', ['-c', typist, PROGRAM, '-s', join(device.run, 'pv-ctrl'), 'enter', 'web']);
    expect(ended).toMatchObject({ code: 0, out: 'ended 7\n' });
  });

  test('tells what containers use', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('busy', { behaviour: 'while :; do :; done &' }).container('idle'));
    await device.converged();
    const { code, out } = await pvcontrol(device, ['--json', 'top']);
    expect(code).toBe(0);
    const [busy, idle] = JSON.parse(out);
    expect(busy).toMatchObject({ name: 'busy', status: 'STARTED', restarts: 0 });
    expect(busy.cpuPercent).toBeGreaterThan(5);
    expect(idle.cpuPercent).toBeLessThan(busy.cpuPercent);
    expect(busy.cpuSeconds).toBeGreaterThan(0);
    expect(busy.uptimeSeconds).toBeGreaterThanOrEqual(0);
    // Where the kernel counts memory and processes for cgroups at all.
    if (busy.memoryBytes !== null) expect(busy.memoryBytes).toBeGreaterThan(10_000);
    if (busy.processes !== null) expect(busy.processes).toBeGreaterThanOrEqual(2);
    const table = (await pvcontrol(device, ['top', '--once'], '', { FORCE_COLOR: '1' })).out;
    expect(table).toMatch(/^\x1b\[90mCONTAINER/);
    expect((await pvcontrol(device, ['top', '--once'])).out).toMatch(/^CONTAINER .*\nbusy /);
  });
}, ['lxc', 'squashfs']);

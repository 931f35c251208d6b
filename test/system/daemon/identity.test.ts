/** Who a caller is: told apart on every layout of cgroups, and whatever the caller does about it. */
import { expect } from 'vitest';
import { cgroupRootOf } from '../../../resources/lxc/lxc-place.ts';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

const NOBODY = { run: { roles: ['nobody'] } };
const WHO_AM_I = 'ask GET /containers; ask PUT /user-meta/key; ask GET /no/such/path; echo end';

/** What its behaviour printed, once the last line of it is there. */
const printed = async (device: RealDevice, name: string): Promise<readonly string[]> => {
  const lines = (): readonly string[] => device.console('locals/app', name).replaceAll('\r', '').split('\n');
  await until(`${name} has printed it all`, () => lines().includes('end'), { detail: lines });
  return lines();
};
const statuses = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => /^(\d{3}) /.exec(line)?.[1] ?? []);

/** The daemon in a mount namespace of its own, in which this was done to the cgroups. */
const with_ = (script: string): readonly string[] => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${script}; exec "$@"`, 'sh'],
];
const LAYOUTS = [
  ['as this machine has it', []],
  ['v2 only', with_('umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup')],
  ['v1 only', with_('umount /sys/fs/cgroup/unified')],
] as const;

describeSystem('a caller', () => {
  for (const [layout, by] of LAYOUTS)
    test(`is known by its cgroup: ${layout}`, async ({ device }) => {
      await device.start({}, { by });
      const state = realState()
        .container('manager', { behaviour: WHO_AM_I })
        .container('plain', { ...NOBODY, behaviour: WHO_AM_I });
      expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
      expect(statuses(await printed(device, 'manager'))).toEqual(['200', '400', '400']);
      expect(statuses(await printed(device, 'plain'))).toEqual(['403', '403', '400']);
      expect((await device.request('GET', '/containers')).status).toBe(200);
    });

  test('in a cgroup that it named like another one stays who it is, also with the pids of the host', async ({
    device,
  }) => {
    await device.start();
    const root = cgroupRootOf(device.lxc);
    const behaviour = `
for from in none cgroup2; do busybox mkdir -p /tmp/$from; done
busybox mount -t cgroup2 none /tmp/cgroup2 && echo mounted
for h in /sys/fs/cgroup /sys/fs/cgroup/* /tmp/cgroup2; do
  for name in ${root}/lxc/manager lxc/manager ../manager ../../../..; do
    busybox mkdir -p $h/$name 2>/dev/null; echo 0 2>/dev/null >$h/$name/cgroup.procs && echo moved
  done
done
busybox cat /proc/self/cgroup | busybox grep -c manager
${WHO_AM_I}`;
    const shared = { ...NOBODY, behaviour, lines: ['lxc.namespace.keep = user net ipc pid'] };
    const state = realState()
      .container('manager')
      .container('plain', { ...NOBODY, behaviour })
      .container('shared', shared);
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    for (const name of ['plain', 'shared']) {
      const lines = await printed(device, name);
      // It did what it could: in its own part of the hierarchy.
      expect(lines).toContain('moved');
      expect(statuses(lines)).toEqual(['403', '403', '400']);
    }
    const pid = await device.pidOf('shared');
    expect(await device.read('shared', `/proc/${pid}/cgroup`)).toContain('shared');
  });

  test('that opened a connection is who asks on it, whoever holds it now', async ({ device }) => {
    await device.start();
    const name = `pvtest-${device.directory.slice(-6)}`;
    const state = realState()
      .container('manager', { config: { 'take.pl': take(name) }, behaviour: 'perl /take.pl; echo end' })
      .container('plain', { ...NOBODY, config: { 'give.pl': give(name) }, behaviour: 'perl /give.pl; echo end' });
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    expect(await printed(device, 'manager')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^HTTP\/1.1 403 /)]),
    );
  });

  test('that has gone by the time it is looked at has no more rights than it had', async ({ device }) => {
    await device.start();
    const behaviour = 'for i in 0 1 2 3 4 5 6 7 8 9; do perl /leave.pl; done; echo end';
    await device.deploy('app', realState().container('plain', { ...NOBODY, config: { 'leave.pl': LEAVE }, behaviour }));
    await printed(device, 'plain');
    expect(await device.request('GET', '/user-meta')).toEqual({ status: 200, body: '{}' });
  });
});

const [SENDMSG, RECVMSG] = process.arch === 'arm64' ? [211, 212] : [46, 47];

/** Opens the control socket, and gives it to whoever listens under the abstract name, by SCM_RIGHTS. */
const give = (name: string): string => `use strict; use IO::Socket::UNIX;
my $control = IO::Socket::UNIX->new(Peer => '/pantavisor/pv-ctrl') or die; my $to;
for (1 .. 400) { $to = IO::Socket::UNIX->new(Peer => "\\0${name}") and last; select undef, undef, undef, 0.05 }
my $data = 'x'; my $iov = pack('P Q', $data, 1); my $rights = pack('Q l l l x4', 20, 1, 1, fileno $control);
my $message = pack('Q L x4 P Q P Q l x4', 0, 0, $iov, 1, $rights, length $rights, 0);
syscall(${SENDMSG}, fileno $to, $message, 0) == 1 or die; sleep 2;
`;

const take = (name: string): string => `use strict; use IO::Socket::UNIX;
my $server = IO::Socket::UNIX->new(Local => "\\0${name}", Listen => 1) or die; my $from = $server->accept;
my $data = 'y' x 1; my $iov = pack('P Q', $data, 1); my $rights = pack('Q l l l x4', 0, 0, 0, -1);
my $message = pack('Q L x4 P Q P Q l x4', 0, 0, $iov, 1, $rights, length $rights, 0);
syscall(${RECVMSG}, fileno $from, $message, 0) == 1 or die;
open(my $control, '+<&=', unpack('x16 l', $rights)) or die;
syswrite $control, "GET /containers HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n";
sysread $control, my $answer, 4096; print "$answer\\n";
`;

/** Sends a whole request, and has ended before anybody can have looked. */
const LEAVE = `use strict; use IO::Socket::UNIX;
my $control = IO::Socket::UNIX->new(Peer => '/pantavisor/pv-ctrl') or die;
syswrite $control, "PUT /user-meta/host HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 1\\r\\n\\r\\nx"; kill 9, $$;
`;

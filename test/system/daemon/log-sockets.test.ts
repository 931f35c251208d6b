/** Containers log by every way there is, and are who they are whatever they say. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { put } from './sending.ts';
import { until } from './until.ts';

const REVISION = 'locals/app';
const NOBODY = { roles: ['nobody'] };

/** `say`: standard input as one message. */
const SAY = `use IO::Socket::UNIX; local $/;
my $socket = IO::Socket::UNIX->new(Peer => '/pantavisor/pv-ctrl-log') or die "no socket: $!";
print $socket <STDIN>; close $socket;
`;

/** `hand over NAME ACTION`: the reading end of a pipe into which it then writes what it is given. */
const HAND = `use strict; use Socket; use IO::Socket::UNIX;
my ($source, $action, @lines) = @ARGV;
my $sendmsg = \`/usr/bin/uname -m\` =~ /aarch64/ ? 211 : 46;
sub hand { my ($fd, $action) = @_;
  my $socket = IO::Socket::UNIX->new(Peer => '/pantavisor/pv-fd-log') or die "no socket: $!";
  my $data = pack('a50 a50 l l', 'other', $source, 3, $action);
  my $iov = pack('P Q', $data, length $data);
  my $control = pack('Q l l l x4', 20, 1, 1, $fd);
  my $header = pack('Q Q P Q P Q Q', 0, 0, $iov, 1, $control, length $control, 0);
  syscall($sendmsg, fileno $socket, $header, 0) == 108 or die "sendmsg: $!"; }
pipe(my $reader, my $writer) or die;
$writer->autoflush(1);
hand(fileno $reader, 1);
close $reader;
$SIG{PIPE} = 'IGNORE';
for my $line (@lines) {
  if ($line eq 'unsubscribe') { pipe(my $any, my $other); hand(fileno $any, 0); select(undef, undef, undef, 0.3); next }
  print $writer "$line\\n" or print "broken pipe\\n";
}
sleep 1;
`;

/** As fast as it can, a message a connection. */
const FLOOD = `use Socket;
my $address = pack_sockaddr_un('/pantavisor/pv-ctrl-log');
my $body = "3\\0other\\0app\\0" . 'x' x 1000;
my $message = pack('l l', 0, length $body) . $body;
while (1) { socket(my $socket, AF_UNIX, SOCK_STREAM, 0); connect($socket, $address) and syswrite($socket, $message); }
`;

const PREAMBLE = 'say() { perl /say.pl; }\nhand() { perl /hand.pl "$@"; }\n';
const guest = (behaviour: string) => ({
  behaviour: `${PREAMBLE}${behaviour}\necho end`,
  config: { 'say.pl': SAY, 'hand.pl': HAND },
});

const logged = (device: RealDevice, path: string, revision = REVISION): string => {
  const file = join(device.logs, revision, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

const EVERY_FORMAT = String.raw`
printf '{"version":"0","level":"info","src":"json","message":"a json line"}' | say
printf 'level=INFO src=kv message="a kv line"' | say
printf '<13>Nov 28 22:15:00 some-host old[1]: an old line' | say
printf '<13>1 - other new - - - a new line' | say
printf '\000\000\000\000\035\000\000\0003\000other\000binary\000a binary line\n' | say
printf 'garbage' | say
busybox logger -t busy 'a syslog line'
/usr/bin/logger -t util 'another'
printf '<13>1 - - seldom-root - - - x' | /usr/bin/setpriv --reuid 65534 --clear-groups perl /say.pl
`;

const EXPECTED = {
  json: 'a json line\n',
  kv: 'a kv line\n',
  old: 'an old line\n',
  new: 'a new line\n',
  binary: 'a binary line\n',
  busy: 'a syslog line\n',
  util: 'another\n',
  'seldom-root': 'x\n',
};

describeSystem('log messages', () => {
  test('of every format come from who sent them, whatever its role and whatever they say', async ({ device }) => {
    await device.start();
    const state = realState()
      .container('manager', guest(EVERY_FORMAT))
      .container('plain', { ...guest(EVERY_FORMAT), run: NOBODY });
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    for (const name of ['manager', 'plain'])
      for (const [source, text] of Object.entries(EXPECTED))
        await until(`${source} of ${name} is there`, () => logged(device, `${name}/${source}`) === text, {
          detail: () => logged(device, `${name}/${source}`) + device.console(REVISION, name),
        });
    expect(readdirSync(join(device.logs, REVISION)).toSorted()).toEqual(['manager', 'pantavisor', 'plain']);
    await until('garbage is told', () =>
      /"subject":"plain","msg":"1 log messages could not be handled/.test(device.log()),
    );
    const metrics = (await device.request('GET', '/metrics')).body;
    expect(metrics).toContain('pantavisor_log_records_lost_total{platform="plain"} 0');
  });

  test('reach the next daemon by the /dev/log they have always had', async ({ device }) => {
    await device.start();
    const behaviour =
      'ls -l /dev/log; while :; do busybox logger -t tick "it ticks $(cat /tmp/which)"; pause 0.2; done';
    await device.deploy('app', realState().container('web', { behaviour, run: NOBODY }));
    await until('it ticks', () => logged(device, 'web/tick').includes('it ticks'));
    await device.kill();
    const before = logged(device, 'web/tick').length;
    await device.start();
    await until('it ticks again', () => logged(device, 'web/tick').length > before);
  });

  test('of the daemon itself are in its own file, from the beginning on', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web'));
    await until('it says so', () => logged(device, 'pantavisor/pantavisor.log').includes('container.start'));
    const lines = logged(device, 'pantavisor/pantavisor.log').trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\[pantavisor\] \d+ (INFO|WARN)\t -- \[[^\]]+\]: ./);
  });

  test('come from descriptors that are handed over, until those are taken back', async ({ device }) => {
    await device.start();
    const behaviour = `hand some/where 1 one two unsubscribe three
hand again 1 old &
until grep -q old /pantavisor/logs/locals/app/web/again; do pause 0.1; done
hand again 1 new; wait`;
    await device.deploy('app', realState().container('web', guest(behaviour)));
    await until('it is at its end', () => device.console(REVISION, 'web').includes('end'));
    expect(logged(device, 'web/some/where')).toBe('one\ntwo\n');
    expect(logged(device, 'web/again')).toBe('old\nnew\n');
    expect(device.console(REVISION, 'web')).toContain('broken pipe');
    expect(existsSync(join(device.logs, REVISION, 'other'))).toBe(false);
  });

  test('of the kernel are in it too, on request, from then on', async ({ device }) => {
    writeFileSync('/dev/kmsg', '<6>pvtest: said before\n');
    await device.start({ PV_LOG_CAPTURE_DMESG: '1' });
    writeFileSync('/dev/kmsg', '<6>pvtest: said meanwhile\n');
    const log = (): string => logged(device, 'pantavisor/pantavisor.log', '0');
    await until('the kernel is heard', () => log().includes('said meanwhile'), { detail: log });
    expect(log()).toMatch(/^\[pantavisor\] \d+ INFO\t -- \[dmesg\]: \[ *\d+\.\d{6}\] pvtest: said meanwhile$/m);
    expect(log()).not.toContain('said before');
  });

  test('are printed by the daemon, instead or besides, as user metadata says at any time', async ({ device }) => {
    await device.start();
    const behaviour = 'while :; do busybox logger -t tick "it ticks"; pause 0.1; done';
    await device.deploy('app', realState().container('web', { behaviour }));
    await until('it ticks', () => logged(device, 'web/tick') !== '');
    expect(device.log()).not.toContain('it ticks');
    expect(await put(device, '/user-meta/PV_LOG_SERVER_OUTPUTS', 'stdout.containers')).toBe(200);
    await until('it is printed', () => /^\[web\] \d+ INFO\t -- \[tick\]: it ticks$/m.test(device.log()));
    const length = logged(device, 'web/tick').length;
    const printed = (): number => device.log().split('it ticks').length;
    const before = printed();
    await until('it goes on', () => printed() > before + 3);
    expect(logged(device, 'web/tick').length).toBeLessThanOrEqual(length + 'it ticks\n'.length);
  });

  test('of others get through, each of them, while one floods', async ({ device }) => {
    await device.start({ PV_LOG_DIR_MAXSIZE: '64M' });
    const flood = `for i in 1 2 3; do perl /flood.pl & done; wait`;
    const quiet =
      'i=0; while [ $i -lt 50 ]; do i=$((i+1)); busybox logger -t count "line $i"; pause 0.05; done; echo end';
    const state = realState()
      .container('flood', { behaviour: flood, config: { 'flood.pl': FLOOD }, run: NOBODY })
      .container('quiet', { behaviour: quiet, run: NOBODY });
    await device.deploy('app', state);
    const asked: number[] = [];
    while (!logged(device, 'quiet/count').includes('line 50')) {
      const before = performance.now();
      expect((await device.request('GET', '/containers')).status).toBe(200);
      asked.push(performance.now() - before);
      expect(asked.length).toBeLessThan(5000);
    }
    expect(logged(device, 'quiet/count')).toBe(
      Array.from({ length: 50 }, (_, index) => `line ${index + 1}\n`).join(''),
    );
    process.stdout.write(
      `asked ${asked.length} times under a flood, at most ${Math.round(Math.max(...asked))} ms each\n`,
    );
    const metrics = (await device.request('GET', '/metrics')).body;
    expect(metrics).toContain('pantavisor_log_records_lost_total{platform="quiet"} 0');
    expect(Number(/pantavisor_log_records_total\{platform="flood"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(1000);
  });
});

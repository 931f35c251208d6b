/** The log sockets with clients of every kind, hostile ones too. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sender } from '../../../resources/log-format/attribution.ts';
import { cgroupRootOf } from '../../../resources/lxc/lxc-place.ts';
import type { Paths } from '../../../resources/paths.ts';
import { openLogIntake } from '../../../runtime/host/linux/logs/log-intake.ts';
import { unifiedMountPoint } from '../../../runtime/host/linux/lxc/cgroups.ts';
import { registerCgroup } from '../own-cgroups.ts';
import { describeSystem } from '../require-root.ts';
import { connectTo, handOver, pipe, say } from './log-client.ts';
import { type Scratch, scratch, until } from './scratch.ts';

const MAX_BYTES = 4096;

describeSystem('log sockets', () => {
  let base: Scratch;
  let stop: () => void;
  let messages: { readonly sender: Sender; readonly text: string }[];
  let data: string[];
  let refused: string[];
  let problems: string[];
  let hasRoom = true;
  let resume: (() => void)[];
  const open: number[] = [];

  const begin = (): void => {
    stop = openLogIntake({
      paths: { run: base.root, lxc: join(base.root, 'lxc') } as Paths, // the two that it uses
      maxMessageBytes: MAX_BYTES,
      kernel: false,
      onMessage: (sender, bytes) => messages.push({ sender, text: bytes.toString() }),
      onData: ({ platform, source }, level, bytes) => {
        data.push(`${platform} ${source} ${level} ${bytes}`);
        return hasRoom;
      },
      whenRoom: (_, callback) => resume.push(callback),
      onKernel: () => undefined,
      onRefused: (_, reason) => refused.push(reason),
      onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
      onBug: (error) => {
        throw error;
      },
    });
  };

  beforeEach(() => {
    base = scratch('logs');
    [messages, data, refused, problems, resume] = [[], [], [], [], []];
    hasRoom = true;
    begin();
  });
  afterEach(() => {
    for (const fd of open.splice(0)) closeSync(fd);
    stop();
    base.remove();
  });

  const socket = (): string => join(base.root, 'pv-ctrl-log');
  const descriptors = (): string => join(base.root, 'pv-fd-log');
  const texts = (): readonly string[] => messages.map(({ text }) => text);
  const held = (fd: number): number => {
    open.push(fd);
    return fd;
  };

  test('take a message that came before anybody looked, from the host', async () => {
    for (let index = 0; index < 10; index += 1) say(socket(), `message ${index}`);
    await until(() => messages.length === 10);
    expect(texts()).toEqual(Array.from({ length: 10 }, (_, index) => `message ${index}`));
    expect(messages[0]?.sender).toBe('host');
  });

  test('know a sender that has ended by what it said before', async ({ skip }) => {
    const [major = 0, minor = 0] = release().split('.').map(Number);
    if (major < 6 || (major === 6 && minor < 16)) skip('this kernel forgets who has ended');
    const script = `use Socket; my $address = pack_sockaddr_un('${socket()}');
      for my $text (1 .. 50) { socket(my $socket, AF_UNIX, SOCK_STREAM, 0); connect($socket, $address) or die; syswrite($socket, $text);
        select(undef, undef, undef, 0.3) if $text == 1; }`;
    const child = spawn('perl', ['-e', script], { stdio: 'inherit' });
    await until(() => messages.length === 1);
    // It goes on and ends while nobody looks.
    const end = performance.now() + 1000;
    while (performance.now() < end);
    await until(() => messages.length === 50);
    expect(messages.filter(({ sender }) => sender !== 'host')).toEqual([]);
    if (child.exitCode === null) await once(child, 'exit');
  });

  test('know a sender in a container that has ended before anybody looked', async ({ skip }) => {
    const [major = 0, minor = 0] = release().split('.').map(Number);
    const unified = unifiedMountPoint();
    if (major < 6 || (major === 6 && minor < 16)) skip('this kernel forgets who has ended');
    if (unified === undefined) return skip('there is no v2 hierarchy');
    const root = cgroupRootOf(join(base.root, 'lxc'));
    registerCgroup(root);
    const cgroup = join(unified, root);
    mkdirSync(join(cgroup, 'lxc/web/service'), { recursive: true });
    try {
      const perl = `use Socket; socket(my $socket, AF_UNIX, SOCK_STREAM, 0); connect($socket, pack_sockaddr_un("${socket()}")) or die; syswrite($socket, "x");`;
      // Synchronous, so that it is gone before we look.
      execFileSync('sh', ['-c', `echo $$ >${cgroup}/lxc/web/service/cgroup.procs; exec perl -e '${perl}'`]);
      await until(() => messages.length === 1);
      expect(messages).toEqual([{ sender: { container: 'web' }, text: 'x' }]);
    } finally {
      for (const directory of ['lxc/web/service', 'lxc/web', 'lxc', '']) rmdirSync(join(cgroup, directory));
    }
  });

  test('can be used by everybody, and handed descriptors by root only', () => {
    expect(statSync(socket()).mode & 0o777).toBe(0o666);
    expect(statSync(descriptors()).mode & 0o777).toBe(0o660);
  });

  test('hang up after a message, so that a client which waits for that ends', async () => {
    const client = connect(socket());
    client.write('level=info src=a message=x\n');
    await new Promise((resolve) => client.once('close', resolve));
    expect(texts()).toEqual(['level=info src=a message=x\n']);
  });

  test('take as whole what pauses, and as nothing what says nothing', async () => {
    const fd = held(connectTo(socket()));
    held(connectTo(socket()));
    writeSync(fd, 'level=info src=a message=x');
    await until(() => messages.length === 1);
    expect(texts()).toEqual(['level=info src=a message=x']);
  });

  test('put together what comes in pieces, and cut off what is too long', async () => {
    const long = 'x'.repeat(MAX_BYTES);
    const client = connect(socket());
    for (const piece of ['{"version":"0",', '"level":"info","src":"a",', '"message":"b"}']) {
      await new Promise((resolve) => client.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => messages.length === 1);
    say(socket(), `${long}y`);
    await until(() => messages.length === 2);
    expect(texts()).toEqual(['{"version":"0","level":"info","src":"a","message":"b"}', long]);
  });

  test('take one message after the other from syslog(3), which keeps its connection', async () => {
    const fd = held(connectTo(socket()));
    writeSync(fd, '<13>Nov 28 22:15:00 a: one\0<13>Nov 28 22:15:00 a: two\0<13>Nov 28 22:15:00 a: th');
    await until(() => messages.length === 2);
    writeSync(fd, 'ree\0');
    await until(() => messages.length === 3);
    expect(texts().map((text) => text.slice(-5))).toEqual([': one', ': two', 'three']);
  });

  test('go on when thousands connect and say nothing', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const silent: Socket[] = [];
    for (let index = 0; index < 1000; index += 1) {
      const client = connect(socket());
      await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
      silent.push(client);
      // In one process nobody accepts while everybody connects.
      if (index % 10 === 0) await sleep(1);
    }
    const speaker = connect(socket()).end('still here');
    await until(() => messages.length === 1);
    speaker.destroy();
    // 64 of them are held; the others were hung up on.
    await until(() => readdirSync('/proc/self/fd').length <= before + 1000 + 64);
    for (const client of silent) client.destroy();
    await until(() => readdirSync('/proc/self/fd').length <= before);
  });

  test('read a descriptor until its end, under any name that the host gives', async () => {
    const { reader, writer } = pipe();
    handOver(descriptors(), { platform: 'web', source: 'lxc/console.log', level: 2, descriptors: [reader] });
    closeSync(reader);
    writeSync(writer, 'one\ntwo\n');
    await until(() => data.length === 1);
    writeSync(writer, 'three');
    closeSync(writer);
    await until(() => data.length === 2);
    expect(data).toEqual(['web lxc/console.log 2 one\ntwo\n', 'web lxc/console.log 2 three']);
  });

  test('read what was written before a descriptor is taken back, and nothing after', async () => {
    const first = pipe();
    handOver(descriptors(), { descriptors: [first.reader] });
    closeSync(first.reader);
    writeSync(first.writer, 'before');
    handOver(descriptors(), { action: 0 });
    await until(() => data.length === 1);
    expect(() => writeSync(first.writer, 'after')).toThrow('EPIPE');
    closeSync(first.writer);
    expect(data).toEqual(['web app 3 before']);
  });

  test('read the second of two descriptors of one name, and no longer the first', async () => {
    const [first, second] = [pipe(), pipe()];
    for (const { reader } of [first, second]) {
      handOver(descriptors(), { descriptors: [reader] });
      closeSync(reader);
    }
    writeSync(second.writer, 'new');
    await until(() => data.length === 1);
    expect(() => writeSync(first.writer, 'old')).toThrow('EPIPE');
    expect(data).toEqual(['web app 3 new']);
    for (const { writer } of [first, second]) closeSync(writer);
  });

  test('wait with reading while a platform has no room, and lose nothing', async () => {
    hasRoom = false;
    const { reader, writer } = pipe();
    handOver(descriptors(), { descriptors: [reader] });
    closeSync(reader);
    writeSync(writer, 'one');
    await until(() => resume.length === 1);
    writeSync(writer, 'two');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(data).toEqual(['web app 3 one']);
    for (const callback of resume.splice(0)) callback();
    await until(() => data.length === 2);
    expect(data[1]).toBe('web app 3 two');
    closeSync(writer);
  });

  test('refuse what could make a reader wait, and hold none of it', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const [file, nothing] = [openSync('/etc/hostname', 'r'), openSync('/dev/zero', 'r')];
    for (const fd of [file, nothing]) handOver(descriptors(), { descriptors: [fd] });
    handOver(descriptors(), {});
    handOver(descriptors(), { action: 7, descriptors: [file] });
    handOver(descriptors(), { descriptors: [file, nothing, file, nothing] });
    for (const fd of [file, nothing]) closeSync(fd);
    say(descriptors(), 'garbage');
    await until(() => refused.length === 6);
    expect(refused.filter((reason) => reason.includes('no pipe, unix socket or terminal'))).toHaveLength(3);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  test('have nobody leave descriptors where they are not asked for', async ({ skip }) => {
    const [major = 0, minor = 0] = release().split('.').map(Number);
    if (major < 6 || (major === 6 && minor < 16)) skip('this kernel knows no SO_PASSRIGHTS');
    const { reader, writer } = pipe();
    expect(() => handOver(socket(), { descriptors: [reader] })).toThrow('EPERM');
    for (const fd of [reader, writer]) closeSync(fd);
    say(socket(), 'still here');
    await until(() => texts().includes('still here'));
  });

  test('replace a socket that was left, and nothing else', async () => {
    stop();
    expect(existsSync(socket())).toBe(false);
    writeFileSync(join(base.root, 'precious'), 'precious');
    symlinkSync(join(base.root, 'precious'), socket());
    mkdirSync(descriptors());
    begin();
    expect(problems).toHaveLength(2);
    expect(problems[0]).toMatch(/^pv-ctrl-log: no logs are taken from there: .*it is no socket/);
    expect(readFileSync(join(base.root, 'precious'), 'utf8')).toBe('precious');
  });

  test('leave nothing when they are closed', () => {
    const before = readdirSync('/proc/self/fd').length;
    stop();
    begin();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

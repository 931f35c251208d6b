/**
 * The one root file system of all test containers, and the LXC file that goes with it.
 *
 * Its init does what `/behaviour` says, a shell script that a test lays over the image through `_config`, and then
 * waits to be stopped. `/usr` is the host's: it brings perl, of which `ask` is made, because busybox cannot speak to
 * unix sockets.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DIRECTORIES = ['bin', 'dev', 'etc', 'lib', 'proc', 'run', 'sys', 'tmp', 'usr'];
const APPLETS = ['cat', 'chmod', 'date', 'echo', 'env', 'grep', 'ls', 'mkdir', 'mv', 'sh', 'sleep', 'touch', 'tr'];
const LOADERS = ['lib64', 'lib/ld-linux-aarch64.so.1', 'lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu'];

const INIT = `#!/bin/sh
# The kernel gives process 1 no default reaction to signals.
trap 'exit 0' TERM
# A trap runs only between commands: sleeping in the background lets TERM through at once.
pause() { sleep "$1" & wait $!; }
signal() { ask POST /signal "{\\"type\\":\\"$1\\",\\"payload\\":\\"\\"}"; }
. /behaviour
while :; do pause 1000; done
`;

/** `ask METHOD PATH [BODY]`: one request on the control socket as this container sees it; prints status and body. */
const ASK = `#!/usr/bin/perl
use strict; use IO::Socket::UNIX;
my ($method, $path, $body) = @ARGV; $body //= '';
my $socket = IO::Socket::UNIX->new(Peer => '/pantavisor/pv-ctrl') or do { print "no socket: $!\\n"; exit 1 };
print $socket "$method $path HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
local $/; my ($head, $answer) = split /\\r\\n\\r\\n/, <$socket>, 2;
my ($status) = $head =~ m{^HTTP/1\\.1 (\\d+)};
print "$status $answer\\n";
`;

const program = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o755 });

const makeImage = (): Buffer => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-guest-'));
  try {
    const root = join(directory, 'root');
    for (const name of DIRECTORIES) mkdirSync(join(root, name), { recursive: true });
    copyFileSync('/usr/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
    // Where the host's programs look for their loader and libraries. /lib itself takes mounts, and cannot be a link.
    for (const name of LOADERS) symlinkSync(`/usr/${name}`, join(root, name));
    program(join(root, 'init'), INIT);
    program(join(root, 'bin/ask'), ASK);
    writeFileSync(join(root, 'behaviour'), '');
    writeFileSync(join(root, 'etc/origin'), 'image\n');
    const image = join(directory, 'root.squashfs');
    execFileSync('mksquashfs', [root, image, '-quiet', '-no-progress', '-all-root'], { stdio: 'ignore' });
    return readFileSync(image);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

let image: Buffer | undefined;

/** Made once per test file. */
export const guestImage = (): Buffer => {
  image ??= makeImage();
  return image;
};

/** As pvr writes it. `binds`: volumes of the container, by where it sees them. */
export const guestConfig = (
  name: string,
  binds: Readonly<Record<string, string>> = {},
  lines: readonly string[] = [],
): string =>
  [
    'lxc.tty.max = 8',
    'lxc.pty.max = 1024',
    'lxc.cgroup.devices.allow = a',
    `lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`,
    'lxc.init.cmd = /init',
    'lxc.signal.halt = SIGTERM',
    'lxc.namespace.keep = user net ipc',
    'lxc.mount.auto = proc sys:rw cgroup',
    'lxc.mount.entry = /usr usr none bind,ro 0 0',
    'lxc.mount.entry = tmpfs run tmpfs rw,nosuid,nodev,mode=755,create=dir 0 0',
    ...Object.entries(binds).map(
      ([target, volume]) =>
        `lxc.mount.entry = /volumes/${name}/${volume} ${target} none bind,create=${volume.endsWith('.bind') ? 'file' : 'dir'} 0 0`,
    ),
    ...lines,
    '',
  ].join('\n');

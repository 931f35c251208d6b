/**
 * Keys that LXC 5 and 6 know. LXC refuses a whole file for one key that it does not know, also for those that only
 * Pantavisor's own LXC has (`lxc.rootfs.bdev_type`, `lxc.tty.min`).
 */
import type { Line } from './lxc-line.ts';

const EXACT = new Set(
  [
    'apparmor.allow_incomplete apparmor.allow_nesting apparmor.profile apparmor.raw arch autodev autodev.tmpfs.size',
    'cap.drop cap.keep console.buffer.size console.logfile console.path console.rotate console.size environment',
    'ephemeral execute.cmd group hook hook.autodev hook.clone hook.destroy hook.mount hook.post-stop hook.pre-mount',
    'hook.pre-start hook.start hook.start-host hook.stop hook.version idmap include init.cmd init.cwd init.gid',
    'init.groups init.uid keyring.session log.file log.level log.syslog monitor.signal.pdeath monitor.unshare',
    'mount.auto mount.entry mount.fstab namespace.clone namespace.keep no_new_privs pty.max rootfs.managed',
    'rootfs.mount rootfs.options rootfs.path sched.core seccomp.allow_nesting seccomp.notify.cookie',
    'seccomp.notify.proxy seccomp.profile selinux.context selinux.context.keyring signal.halt signal.reboot',
    'signal.stop start.auto start.delay start.order time.offset.boot time.offset.monotonic tty.dir tty.max uts.name',
  ]
    .join(' ')
    .split(' ')
    .map((name) => `lxc.${name}`),
);
/** Families whose members LXC reads from the key; it drops other text without `lxc.` silently. */
const FAMILIES = /^lxc\.(cgroup2?|net|prlimit|proc|sysctl|namespace\.share)(\.|$)|^(?!lxc\.)/;

const PROTECTING = /^lxc\.(cap|seccomp|apparmor|aa_|selinux|se_|idmap|id_map|no_new_privs|cgroup\d*\.devices)/;

export const isKnownKey = (key: string): boolean => key === '' || EXACT.has(key) || FAMILIES.test(key);
/** Leaving it out would start the container with less protection than its author wrote. */
export const isProtectingKey = (key: string): boolean => PROTECTING.test(key);

const unknownKeys = (lines: readonly Line[]): readonly { readonly key: string; readonly number: number }[] =>
  lines.flatMap(({ key }, index) => (isKnownKey(key) ? [] : [{ key, number: index + 1 }]));

export const leftOutNotices = (lines: readonly Line[]): readonly string[] =>
  unknownKeys(lines).map(({ key, number }) => `line ${number}: ${key} is left out: LXC does not know this key`);

export const unknownProtection = (lines: readonly Line[]): string | undefined => {
  const found = unknownKeys(lines).find(({ key }) => isProtectingKey(key));
  return found && `line ${found.number}: ${found.key} would protect something, but LXC does not know this key`;
};

/**
 * The Linux implementation of the host port, put together.
 *
 * In: the directories of this daemon and the containers part (which has its own connections to look after).
 * Out: one Host. Besides libc.ts and its users below this folder nothing in the project touches the machine.
 */
import { readFile } from 'node:fs/promises';
import type { Paths } from '../../../resources/paths.ts';
import type { Containers, Host } from '../host.ts';
import { linuxDisks } from './disks/linux-disks.ts';
import { linuxFiles } from './files/linux-files.ts';
import { sweepTemporaries } from './files/temporary.ts';
import { bootCounter } from './kernel/boot-counter.ts';
import { linuxClock } from './kernel/linux-clock.ts';
import { LinuxMounts } from './mounts/linux-mounts.ts';
import { MountTable } from './mounts/mount-table.ts';

/** Directories in which files are written under their final names, and in which a crash may have left halves. */
const writtenDirectories = ({ storage, run, config, logs, watch }: Paths): readonly string[] => [
  storage,
  `${storage}/objects`,
  `${storage}/trails`,
  `${storage}/trails/locals`,
  `${storage}/boot`,
  `${storage}/cache`,
  `${storage}/cache/meta`,
  `${storage}/cache/devmeta`,
  run,
  `${run}/user-meta`,
  `${run}/device-meta`,
  config,
  logs,
  watch,
];

/** `paths` must be real paths: the kernel's mount table knows no symlinks. See realPaths(). */
export const linuxHost = async (options: {
  readonly paths: Paths;
  readonly containers: Containers & { close(): Promise<void> };
  /** Starts this program afresh; see Host.reboot. */
  readonly restart: () => Promise<void>;
}): Promise<Host> => {
  const { paths, containers, restart } = options;
  const boots = await bootCounter(paths.run);
  await sweepTemporaries(writtenDirectories(paths));
  const table = new MountTable();
  const closing = new AbortController();
  return {
    clock: linuxClock,
    files: linuxFiles,
    mounts: new LinuxMounts(table, closing.signal),
    disks: linuxDisks,
    containers,
    bootId: `${(await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()}.${boots.count}`,
    reboot: async () => {
      await boots.next();
      await restart();
    },
    close: async () => {
      // Before the table, so that no late event looks at it.
      closing.abort();
      table.close();
      await containers.close();
    },
  };
};

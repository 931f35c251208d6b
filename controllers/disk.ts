/** Disks on the device: directories, block devices, files and zram, mounted or used as swap. The ledger says which are ours. */
import { merge, mergeMap } from 'rxjs';
import type { DiskSpec, DiskStatus } from '../resources/kinds/disk.ts';
import { nameOf } from '../resources/ref.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import type { Ledger } from '../runtime/engine/ledger.ts';
import { DeviceError, type Host } from '../runtime/host/host.ts';

interface DiskEntry {
  readonly spec: DiskSpec;
  /** The zram device that was set up for it. */
  readonly device?: string;
}

const COMMAND_TIMEOUT_SECONDS = 60;

export const diskController = (host: Host, ledger: Ledger, reconcile: Reconciler<'disk'>): Controller<'disk'> => {
  /** As seen last. Every change of a mount asks, and a ledger that cannot be read must not end the watch. */
  const seen = new Map<string, DiskSpec['use']>();
  const namesWhere = (matches: (use: DiskSpec['use']) => boolean): string[] =>
    [...seen].flatMap(([name, use]) => (matches(use) ? [name] : []));

  return {
    kind: 'disk',
    reconcile,
    watch: () =>
      merge(
        host.mounts.changes.pipe(
          mergeMap((targets) => namesWhere((use) => use.type === 'mount' && targets.includes(use.target))),
        ),
        host.disks.swapChanges.pipe(mergeMap(() => namesWhere((use) => use.type === 'swap'))),
      ),
    list: () => ledger.names('disk'),
    observe: async (name) => {
      const entry = await ledger.get<DiskEntry>('disk', name);
      if (entry === undefined) {
        seen.delete(name);
        return undefined;
      }
      seen.set(name, entry.spec.use);
      return observeDisk(host, entry);
    },
    execute: {
      'disk.provision': ({ ref, spec }, signal) => provision(host, ledger, { name: nameOf(ref), spec, signal }),
      'disk.format': ({ spec: { use }, path }) => {
        const type = use.type === 'swap' ? 'swap' : use.filesystem;
        return type === undefined ? Promise.resolve() : host.disks.format(path, type, use.formatOptions);
      },
      'disk.activate': ({ spec, path }) => activate(host, spec, path),
      'disk.deactivate': async ({ status: { use, path } }) => {
        if (use.type === 'mount') return host.mounts.unmount(use.target);
        if (path !== undefined) await host.disks.swapOff(path);
      },
      'disk.release': async ({ ref }) => {
        const entry = await ledger.get<DiskEntry>('disk', nameOf(ref));
        if (entry?.device !== undefined) await host.disks.zramRemove(entry.device);
        await ledger.remove('disk', nameOf(ref));
      },
    },
    timeoutSeconds: { 'disk.provision': COMMAND_TIMEOUT_SECONDS, 'disk.format': COMMAND_TIMEOUT_SECONDS },
  };
};

const observeDisk = async (host: Host, { spec, device }: DiskEntry): Promise<DiskStatus> => {
  const { source, use } = spec;
  const path = source.type === 'zram' ? device : await existing(host, source.path);
  const status = { source, use, ...(path === undefined ? {} : { path }) };
  if (path === undefined) return { ...status, active: false, foreign: false };

  if (use.type === 'swap') {
    const active = (await host.disks.swaps()).includes(path);
    return { ...status, ...(await contentsOf(host, path, active)), active, foreign: false };
  }
  const mount = await host.mounts.at(use.target);
  const active = mount?.sources.includes(path) ?? false;
  const contents = source.type === 'directory' ? {} : await contentsOf(host, path, active);
  return { ...status, ...contents, active, foreign: mount !== undefined && !active };
};

const existing = async (host: Host, path: string): Promise<string | undefined> =>
  (await host.files.stat(path)) === undefined ? undefined : path;

/** Probing reads the device; one in use has shown what it holds. */
const contentsOf = async (host: Host, path: string, active: boolean): Promise<{ contents?: string }> => {
  const contents = active ? undefined : await host.disks.contents(path);
  return contents === undefined ? {} : { contents };
};

const provision = async (
  host: Host,
  ledger: Ledger,
  { name, spec, signal }: { readonly name: string; readonly spec: DiskSpec; readonly signal: AbortSignal },
): Promise<void> => {
  const { source, use } = spec;
  if (use.type === 'swap' && !host.disks.swapSupported) {
    throw new DeviceError('disk.provision', name, 'ENOSYS', 'this kernel has no swap');
  }
  await ledger.put<DiskEntry>('disk', name, { spec });
  switch (source.type) {
    case 'directory':
      return host.files.makeDirectory(source.path, 0o755);
    case 'file':
      return host.disks.allocate(source.path, source.sizeBytes);
    case 'block':
      if ((await existing(host, source.path)) !== undefined) return;
      throw new DeviceError('disk.provision', name, 'ENODEV', `there is no device ${source.path}`);
    case 'zram': {
      if (!host.disks.zramSupported) {
        throw new DeviceError('disk.provision', name, 'ENOSYS', 'this kernel has no zram');
      }
      const device = await host.disks.zramCreate(source.settings);
      // Given up meanwhile: the next attempt makes its own.
      if (signal.aborted) return host.disks.zramRemove(device);
      return ledger.put<DiskEntry>('disk', name, { spec, device });
    }
    default:
      return source satisfies never;
  }
};

const activate = async (host: Host, { use, source }: DiskSpec, path: string): Promise<void> => {
  if (use.type === 'swap') return host.disks.swapOn(path, use.swapOptions);
  await host.files.makeDirectory(use.target, 0o755);
  if (source.type === 'directory' || use.filesystem === undefined) {
    return host.mounts.bind({ source: path, target: use.target, recursive: false, readOnly: false });
  }
  await host.mounts.mountDevice({
    device: path,
    target: use.target,
    filesystem: use.filesystem,
    flags: use.mountFlags,
  });
};

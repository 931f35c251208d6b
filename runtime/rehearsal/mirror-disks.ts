/** The disks of another device on a simulated one: their records, what they hold, and whether they are in use. */
import type { DiskSpec, DiskStatus } from '../../resources/kinds/disk.ts';
import type { Ledger } from '../engine/ledger.ts';
import type { SimulatedHost } from '../host/simulated/simulated.ts';
import { type Present, statusesOf } from './present.ts';
import type { Scene } from './rehearsal.ts';

/** Content is not rehearsed. */
const FILE_BYTES = 64 * 1024;
const FORMATS = ['ext3', 'ext4', 'swap'] as const;

export const mirrorDisks = async (host: SimulatedHost, ledger: Ledger, scene: Scene): Promise<void> => {
  const { present, knowledge } = scene;
  for (const [path, contents] of knowledge.disks) {
    if (!path.startsWith('/dev/')) await makeFile(host, path, contents);
  }
  for (const [name, status] of statusesOf('disk', present)) {
    const device = await deviceOf(host, status);
    const spec = { name, order: 0, source: status.source, use: status.use } satisfies DiskSpec;
    await ledger.put('disk', name, { spec, ...(status.source.type === 'zram' && device ? { device } : {}) });
    if (device === undefined) continue;
    if (status.source.type !== 'directory' && status.source.type !== 'block') {
      await formatAs(host, device, contentsOf(status));
    }
    await putToUse(host, status, device);
  }
};

/** Block devices that are there, with what they hold. */
export const disksInUse = (present: Present): readonly (readonly [path: string, contents: string])[] =>
  statusesOf('disk', present).flatMap(([, status]) =>
    status.source.type === 'block' && status.path !== undefined ? [[status.path, contentsOf(status) ?? 'blank']] : [],
  );

const contentsOf = ({ contents, active, use }: DiskStatus): string | undefined =>
  contents ?? (active ? (use.type === 'swap' ? 'swap' : use.filesystem) : undefined);

const makeFile = async (host: SimulatedHost, path: string, contents: string): Promise<void> => {
  await host.files.makeDirectory(path.slice(0, path.lastIndexOf('/')), 0o755);
  await host.disks.allocate(path, FILE_BYTES);
  await formatAs(host, path, contents);
};

const formatAs = async ({ disks }: SimulatedHost, path: string, contents: string | undefined): Promise<void> => {
  const format = FORMATS.find((known) => known === contents);
  if (format !== undefined && (await disks.contents(path)) === 'blank') await disks.format(path, format, []);
};

/** The directory, file or node; undefined: the device has not got it. */
const deviceOf = async (host: SimulatedHost, { source, path }: DiskStatus): Promise<string | undefined> => {
  if (path === undefined) return undefined;
  switch (source.type) {
    case 'directory':
      await host.files.makeDirectory(source.path, 0o755);
      return source.path;
    case 'file':
      await host.files.makeDirectory(source.path.slice(0, source.path.lastIndexOf('/')), 0o755);
      await host.disks.allocate(source.path, FILE_BYTES);
      return source.path;
    case 'block':
      return source.path;
    case 'zram':
      return host.disks.zramCreate(source.settings);
    default:
      return source satisfies never;
  }
};

const putToUse = async (
  { files, mounts, disks, mischief }: SimulatedHost,
  { source, use, active, foreign }: DiskStatus,
  device: string,
): Promise<void> => {
  if (use.type === 'swap') {
    if (active) await disks.swapOn(device, []);
    return;
  }
  if (!active && !foreign) return;
  await files.makeDirectory(use.target, 0o755);
  if (foreign) mischief.mountOver(use.target);
  else if (source.type === 'directory' || use.filesystem === undefined) {
    await mounts.bind({ source: device, target: use.target, recursive: false, readOnly: false });
  } else {
    await mounts.mountDevice({ device, target: use.target, filesystem: use.filesystem, flags: use.mountFlags });
  }
};

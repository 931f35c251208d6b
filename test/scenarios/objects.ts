/** The objects of a state, put where a client of the daemon would have put them. */
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';
import type { StateBuilder } from '../state-builder.ts';
import { settled } from './settled.ts';

/** @param contentOf content of an object by its key and id; default: what every container needs to start. */
export const storeObjects = async (
  host: SimulatedHost,
  state: StateBuilder,
  contentOf?: (key: string, id: string) => string | undefined,
): Promise<void> => {
  const { files } = host.operator;
  await settled(host, files.makeDirectory('/storage/objects', 0o755));
  for (const [key, value] of Object.entries(state.toValue())) {
    if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) continue;
    const path = `/storage/objects/${value}`;
    if ((await settled(host, files.stat(path))) !== undefined) continue;
    const usual = key.endsWith('.conf') ? lxcFile(key) : `hsqs ${key}`;
    await settled(host, files.write(path, contentOf?.(key, value) ?? usual, 0o644));
  }
};

export const lxcFile = (key: string): string => {
  const name = key.slice(0, key.indexOf('/'));
  return [
    `lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`,
    'lxc.namespace.keep = user net ipc',
    'lxc.init.cmd = /sbin/init',
    // What is mounted into a container is held by it; volumes that it has not got are not.
    ...['scratch', 'data.squashfs'].map(
      (volume) => `lxc.mount.entry = /volumes/${name}/${volume} mnt/${volume} none bind,optional,create=dir 0 0`,
    ),
  ].join('\n');
};

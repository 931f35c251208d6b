/** What LXC makes of our lxcpath and a container's name. */
import { DeviceError } from '../../host.ts';

/** As the state format allows them (resources/state-format/name.ts): they become paths, cgroups and socket names here. */
const CONTAINER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;

export const isContainerName = (name: string): boolean => CONTAINER_NAME.test(name);

/** @throws DeviceError EINVAL: whatever the documents said, such a name is never made a path. */
export const checkedName = (operation: string, name: string): string => {
  if (!isContainerName(name)) throw new DeviceError(operation, JSON.stringify(name), 'EINVAL', 'no container name');
  return name;
};

/** LXC's run directory (its RUNTIME_PATH) for root. */
const LXC_RUN = '/run/lxc';

export const fifoDirectory = (lxcPath: string): string => `${LXC_RUN}${lxcPath}`;
export const lockDirectory = (lxcPath: string): string => `${LXC_RUN}/lock${lxcPath}`;
export const lockFile = (lxcPath: string, name: string): string => `${lockDirectory(lxcPath)}/.${name}`;

/** sun_path with its leading NUL; LXC keeps one byte more for a final one. */
const ABSTRACT_NAME_BYTES = 106;

/** FNV-1a, 64 bits, as LXC writes it. */
const fnv1a64 = (text: string): string => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
};

/** Abstract address of a monitor's command socket; a long one is hashed (lxc_make_abstract_socket_name). */
export const commandAddress = (lxcPath: string, name: string): string => {
  const plain = `${lxcPath}/${name}/command`;
  if (Buffer.byteLength(plain) <= ABSTRACT_NAME_BYTES) return `\0${plain}`;
  return `\0lxc/${fnv1a64(`${lxcPath}/${name}`)}/command`;
};

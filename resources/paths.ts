/** Where things are on this device: absolute directories, from the configuration. */
export interface Paths {
  /** `PV_STORAGE_MNTPOINT`: objects/, trails/, disks/, boot/, … */
  readonly storage: string;
  /** `PV_SYSTEM_RUNDIR`: sockets and everything that a reboot may forget. */
  readonly run: string;
  /** `PV_LOG_DIR`. */
  readonly logs: string;
  /** `PV_DISK_VOLDIR`: mount points of volumes. */
  readonly volumes: string;
  /** `PV_SYSTEM_CONFDIR`: copies of `_config` trees. */
  readonly config: string;
  /** `PV_SYSTEM_MEDIADIR`: mount points of disks. */
  readonly media: string;
  /** `PV_WATCH_DIR`. */
  readonly watch: string;
  /** lxcpath: absolute and short, private to this daemon. */
  readonly lxc: string;
}

export const objectPath = (paths: Paths, id: string): string => `${paths.storage}/objects/${id}`;
export const trailPath = (paths: Paths, revision: string): string => `${paths.storage}/trails/${revision}`;

/** Where a disk is mounted unless it says otherwise; the name is historical, it is not about encryption only. */
export const diskPath = (paths: Paths, disk: string): string => `${paths.media}/pv/dmcrypt/${disk}`;
/** Mount point of a container's volume. */
export const volumePath = (paths: Paths, owner: string, volume: string): string =>
  `${paths.volumes}/${owner}/${volume}`;

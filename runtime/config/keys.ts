/**
 * Every configuration key of Pantavisor, in its own order: type, default, who may set it, aliases.
 * `GET /config2` prints them in this order. Our own keys stand at the end.
 */

import type { Access } from './config-level.ts';
import { INIT_MODES } from './init-mode.ts';
import { BOOL, DURATION, INT, OUTPUTS, oneOf, STRING, type ValueType } from './value-types.ts';

export interface Key<T> {
  readonly type: ValueType<T>;
  readonly default: T | undefined;
  readonly access: Access;
  /** Older names. The first one is what `GET /config` calls the key. They are case-sensitive. */
  readonly aliases: readonly string[];
  /** Masked wherever it is shown to people. */
  readonly secret: boolean;
}

interface SetKey<T> extends Key<T> {
  readonly default: T;
}

const key = <T>(type: ValueType<T>, value: T, access: Access, ...aliases: readonly string[]): SetKey<T> => ({
  type,
  default: value,
  access,
  aliases,
  secret: false,
});

/** Text without a default. */
const unset = (access: Access, ...aliases: readonly string[]): Key<string> => ({
  type: STRING,
  default: undefined,
  access,
  aliases,
  secret: false,
});

const secret = (access: Access, ...aliases: readonly string[]): Key<string> => ({
  ...unset(access, ...aliases),
  secret: true,
});

const BOOTLOADER = oneOf('uboot', 'uboot-pvk', 'grub', 'rpiab', 'uboot-ab');
const INIT_MODE = oneOf(...INIT_MODES);
const POWER_MODE = oneOf('disabled', 'locks', 'managed');
const SECUREBOOT_MODE = oneOf('disabled', 'audit', 'lenient', 'strict');
const TIMESTAMP = oneOf('relative', 'absolute');
const WATCHDOG_MODE = oneOf('disabled', 'shutdown', 'startup', 'always');

export const KEYS = {
  PH_CREDS_HOST: key(STRING, 'api.pantahub.com', 'PH O', 'creds.host'),
  PH_CREDS_ID: unset('PH O', 'creds.id'),
  PH_CREDS_PORT: key(INT, 443, 'PH O', 'creds.port'),
  PH_CREDS_PROXY_HOST: unset('PH O', 'creds.proxy.host'),
  PH_CREDS_PROXY_NOPROXYCONNECT: key(INT, 0, 'PH O', 'creds.proxy.noproxyconnect'),
  PH_CREDS_PROXY_PORT: key(INT, 3218, 'PH O', 'creds.proxy.port'),
  PH_CREDS_PRN: unset('PH O', 'creds.prn'),
  PH_CREDS_SECRET: secret('PH O', 'creds.secret'),
  PH_CREDS_TYPE: key(STRING, 'builtin', 'PH O', 'creds.type'),
  PH_FACTORY_AUTOTOK: secret('PH O', 'factory.autotok'),
  PH_LIBEVENT_HTTP_TIMEOUT: key(INT, 60, 'PH O R'),
  PH_LIBEVENT_HTTP_RETRIES: key(INT, 1, 'PH O R'),
  PH_METADATA_DEVMETA_INTERVAL: key(INT, 10, 'PH O R', 'metadata.devmeta.interval'),
  PH_METADATA_USRMETA_INTERVAL: key(INT, 5, 'PH O R', 'metadata.usrmeta.interval'),
  PH_ONLINE_REQUEST_THRESHOLD: key(INT, 0, 'PH O R'),
  PH_UPDATER_INTERVAL: key(INT, 5, 'PH O R', 'updater.interval'),
  PH_UPDATER_NETWORK_TIMEOUT: key(INT, 120, 'PH O R', 'updater.network_timeout'),
  PH_UPDATER_TRANSFER_MAX_COUNT: key(INT, 5, 'PH O R'),
  PV_BOOTLOADER_FITCONFIG: unset('PV', 'bootloader.fitconfig'),
  PV_BOOTLOADER_MTD_ENV: unset('PV', 'bootloader.mtd_env'),
  PV_BOOTLOADER_MTD_ONLY: key(BOOL, false, 'PV', 'bootloader.mtd_only'),
  PV_BOOTLOADER_TYPE: key(BOOTLOADER, 'uboot', 'PV', 'bootloader.type'),
  PV_BOOTLOADER_UBOOTAB_A_NAME: key(STRING, 'fitA', 'PV'),
  PV_BOOTLOADER_UBOOTAB_B_NAME: key(STRING, 'fitB', 'PV'),
  PV_BOOTLOADER_UBOOTAB_ENV_NAME: unset('PV'),
  PV_BOOTLOADER_UBOOTAB_ENV_BAK_NAME: unset('PV'),
  PV_BOOTLOADER_UBOOTAB_ENV_OFFSET: key(INT, 0, 'PV'),
  PV_BOOTLOADER_UBOOTAB_ENV_SIZE: key(INT, 0, 'PV'),
  PV_CACHE_DEVMETADIR: key(STRING, '/storage/cache/devmeta', 'PV', 'cache.devmetadir'),
  PV_CACHE_USRMETADIR: key(STRING, '/storage/cache/meta', 'PV', 'cache.usrmetadir', 'meta.cache.dir'),
  PV_CONTROL_REMOTE: key(BOOL, true, 'PV O', 'control.remote'),
  PV_CONTROL_REMOTE_ALWAYS: key(BOOL, false, 'PV O', 'control.remote.always'),
  PV_DEBUG_SHELL: key(BOOL, true, 'PV', 'debug.shell'),
  PV_DEBUG_SHELL_AUTOLOGIN: key(BOOL, false, 'PV', 'debug.shell.autologin'),
  PV_DEBUG_SHELL_TIMEOUT: key(INT, 60, 'PV'),
  PV_DEBUG_SSH: key(BOOL, true, 'PV O R', 'debug.ssh'),
  PV_DEBUG_SSH_AUTHORIZED_KEYS: unset('PV O R', 'debug.ssh_authorized_keys'),
  PV_DISK_EXPORTSDIR: key(STRING, '/exports', 'PV', 'disk.exportsdir'),
  PV_DISK_VOLDIR: key(STRING, '/volumes', 'PV', 'disk.voldir'),
  PV_DISK_WRITABLEDIR: key(STRING, '/writable', 'PV', 'disk.writabledir'),
  PV_DROPBEAR_CACHE_DIR: key(STRING, '/storage/cache/dropbear', 'PV', 'dropbear.cache.dir'),
  PV_LIBEVENT_DEBUG_MODE: key(BOOL, false, 'PV O'),
  PV_LIBTHTTP_CERTSDIR: key(STRING, '/certs', 'PV', 'libthttp.certdir'),
  PV_LIBTHTTP_LOG_LEVEL: key(INT, 3, 'PV O R', 'libthttp.log.level'),
  PV_LOG_AUTO_DEVLOG: key(BOOL, true, 'PV O'),
  PV_LOG_CAPTURE: key(BOOL, true, 'PV O', 'log.capture'),
  PV_LOG_CAPTURE_DMESG: key(BOOL, true, 'PV O', 'log.capture.dmesg'),
  PV_LOG_BUF_NITEMS: key(INT, 128, 'PV O', 'log.buf_nitems'),
  PV_LOG_DIR: key(STRING, '/storage/logs/', 'PV', 'log.dir'),
  PV_LOG_DIR_MAXSIZE: key(STRING, '0', 'PV O R'),
  PV_LOG_FILETREE_TIMESTAMP_FORMAT: unset('PV O R', 'log.filetree.timestamp.format'),
  PV_LOG_HYSTERESIS_FACTOR: key(INT, 4, 'PV O R'),
  PV_LOG_LEVEL: key(INT, 0, 'PV O R', 'log.level'),
  PV_LOG_LOGGERS: key(BOOL, true, 'PV O', 'log.loggers'),
  PV_LOG_PUSH: key(BOOL, true, 'PV O R', 'log.push', 'pantahub.log.push'),
  PV_LOG_ROTATE_FACTOR: key(INT, 5, 'PV O R'),
  PV_LOG_SERVER_OUTPUTS: key(OUTPUTS, ['filetree'], 'PV O R', 'log.server.outputs'),
  PV_LOG_SINGLEFILE_TIMESTAMP_FORMAT: unset('PV O R', 'log.singlefile.timestamp.format'),
  PV_LOG_STDOUT_TIMESTAMP_FORMAT: unset('PV O R', 'log.stdout.timestamp.format'),
  PV_LOG_TIMESTAMP: key(TIMESTAMP, 'relative', 'PV O R'),
  PV_LOOP_INDEX_BASE: key(INT, -1, 'PV'),
  PV_LXC_LOG_LEVEL: key(INT, 2, 'PV O', 'lxc.log.level'),
  PV_NET_BRADDRESS4: key(STRING, '10.0.3.1', 'PV O', 'net.braddress4'),
  PV_NET_BRDEV: key(STRING, 'lxcbr0', 'PV O', 'net.brdev'),
  PV_NET_BRMASK4: key(STRING, '255.255.255.0', 'PV O', 'net.brmask4'),
  PV_OEM_NAME: unset('PV'),
  PV_POLICY: unset('PV', 'policy'),
  PV_POWER_MODE: key(POWER_MODE, 'locks', 'PV O R', 'power.mode'),
  PV_POWER_DEVMETA_EAGER_PUSH: key(BOOL, false, 'PV O R', 'power.devmeta.eager_push'),
  PV_POWER_WAKE_INTERVAL: key(DURATION, 3600, 'PV O R', 'power.wake.interval'),
  PV_POWER_WAKE_RUN_WINDOW: key(DURATION, 0, 'PV O R', 'power.wake.run_window'),
  PV_POWER_AUTOSLEEP_SETTLE: key(DURATION, 90, 'PV O R', 'power.autosleep.settle'),
  PV_POWER_WAKE_MIN_AWAKE: key(DURATION, 10, 'PV O R', 'power.wake.min_awake'),
  PV_POWER_WAKE_MAX_AWAKE: key(DURATION, 60, 'PV O R', 'power.wake.max_awake'),
  PV_POWER_DEVMETA_MAX_HELD: key(DURATION, 300, 'PV O R', 'power.devmeta.max_held'),
  PV_POWER_SYSFS_DIR: key(STRING, '/sys/power', 'PV O R', 'power.sysfs_dir'),
  PV_REVISION_RETRIES: key(INT, 10, 'PV O R', 'revision.retries'),
  PV_SECUREBOOT_CHECKSUM: key(BOOL, true, 'PV', 'secureboot.checksum'),
  PV_SECUREBOOT_HANDLERS: key(BOOL, true, 'PV', 'secureboot.handlers'),
  PV_SECUREBOOT_MODE: key(SECUREBOOT_MODE, 'lenient', 'PV', 'secureboot.mode'),
  PV_SECUREBOOT_OEM_TRUSTSTORE: key(STRING, 'ca-oem-certificates', 'PV', 'PV_SECUREBOOT_OEM_TRUSTORE'),
  PV_SECUREBOOT_TRUSTSTORE: key(STRING, 'ca-certificates', 'PV', 'secureboot.truststore'),
  PV_STORAGE_DEVICE: unset('PV', 'storage.device'),
  PV_STORAGE_FSTYPE: unset('PV', 'storage.fstype'),
  PV_STORAGE_GC_KEEP_FACTORY: key(BOOL, false, 'PV O R', 'storage.gc.keep_factory', 'updater.keep_factory'),
  PV_STORAGE_GC_RESERVED: key(INT, 5, 'PV O R', 'storage.gc.reserved'),
  PV_STORAGE_GC_THRESHOLD_DEFERTIME: key(INT, 600, 'PV O R', 'storage.gc.threshold.defertime'),
  PV_STORAGE_GC_THRESHOLD: key(INT, 0, 'PV O R', 'storage.gc.threshold'),
  PV_STORAGE_LOGTEMPSIZE: unset('PV', 'storage.logtempsize'),
  PV_STORAGE_MNTPOINT: unset('PV', 'storage.mntpoint'),
  PV_STORAGE_MNTTYPE: unset('PV', 'storage.mnttype'),
  PV_STORAGE_FIRMWARE_VOL: key(BOOL, false, 'PV'),
  PV_STORAGE_PHCONFIG_VOL: key(BOOL, false, 'PV'),
  PV_STORAGE_WAIT: key(INT, 5, 'PV', 'storage.wait'),
  PV_SYSTEM_APPARMOR_PROFILES: unset('PV', 'system.apparmor.profiles'),
  PV_SYSTEM_CONFDIR: key(STRING, '/configs', 'PV', 'system.confdir'),
  PV_SYSTEM_DRIVERS_LOAD_EARLY_AUTO: key(BOOL, false, 'PV', 'system.drivers.load_early.auto'),
  PV_SYSTEM_ETCDIR: key(STRING, '/etc', 'PV', 'system.etcdir'),
  PV_SYSTEM_ETCPANTAVISORDIR: key(STRING, '/etc/pantavisor', 'PV'),
  PV_SYSTEM_INIT_MODE: key(INIT_MODE, 'embedded', 'PV', 'system.init.mode'),
  PV_SYSTEM_LIBDIR: key(STRING, '/lib', 'PV', 'system.libdir'),
  PV_SYSTEM_MEDIADIR: key(STRING, '/media', 'PV', 'system.mediadir'),
  PV_SYSTEM_MOUNT_SECURITYFS: key(BOOL, false, 'PV', 'system.mount.securityfs'),
  PV_SYSTEM_RUNDIR: key(STRING, '/pv', 'PV', 'system.rundir'),
  PV_SYSTEM_DISKSDIR: key(STRING, '/run/pantavisor/disks', 'PV', 'system.disksdir'),
  PV_SYSTEM_USRDIR: key(STRING, '/usr', 'PV', 'system.usrdir'),
  PV_UPDATER_COMMIT_DELAY: key(INT, 25, 'PV O R', 'updater.commit.delay'),
  PV_UPDATER_GOALS_TIMEOUT: key(INT, 120, 'PV O', 'updater.goals.timeout'),
  PV_UPDATER_USE_TMP_OBJECTS: key(BOOL, false, 'PV O R', 'updater.use_tmp_objects'),
  PV_VOLMOUNT_DM_EXTRA_ARGS: unset('PV O'),
  PV_WDT_MODE: key(WATCHDOG_MODE, 'shutdown', 'PV', 'wdt.mode'),
  PV_WDT_TIMEOUT: key(INT, 15, 'PV', 'wdt.timeout'),
  PV_XCONNECT_DBUS_SYSTEMBUS_ENABLED: key(BOOL, true, 'PV O', 'xconnect.dbus.systembus.enabled'),
  /**
   * Ours: whether changes of the BSP, groups, disks and containers of restart policy `system` go through a reboot, as
   * Pantavisor does. Off: containers are stopped and started for them, too.
   */
  PV_UPDATER_REBOOT: key(BOOL, true, 'PV'),
  /** Ours: seconds for which a revision that was received and did not run yet is no garbage. */
  PV_STORAGE_GC_PENDING_DEFERTIME: key(INT, 600, 'PV O R', 'storage.gc.pending.defertime'),
  /** Ours: state documents dropped here become revisions. Default: `incoming` under the storage mount point. */
  PV_WATCH_DIR: unset('PV'),
  /** Ours: `host:port` of the read-only status page; unset: none. */
  PV_STATUS_LISTEN: unset('PV'),
  /** Ours: pushing from outside (push.ts). `host:port` of `pvr`'s endpoint and of `/v1`; unset: none. */
  PV_PVR_LISTEN: unset('PV'),
  /** Ours: whether servers that a source of desired state talks to must prove who they are. */
  PV_REMOTE_TLS_VERIFY: key(BOOL, true, 'PV'),
  /** Ours: bytes per second that downloads from a server take together; 0: as many as there are. */
  PV_REMOTE_MAX_RATE: key(INT, 0, 'PV O R'),
  /** Ours: directory of token files. */
  PV_PVR_TOKENS: unset('PV'),
  /** Ours: PEM files. */
  PV_PVR_TLS_CERT: unset('PV'),
  PV_PVR_TLS_KEY: unset('PV'),
  /** Ours: requests per second of one address, and of one token. */
  PV_PVR_RATE: key(INT, 100, 'PV'),
};

export type ConfigKey = keyof typeof KEYS;
export type ConfigValues = {
  readonly [K in ConfigKey]: (typeof KEYS)[K] extends SetKey<infer T> ? T : string | undefined;
};

export const CONFIG_KEYS = Object.keys(KEYS) as readonly ConfigKey[]; // the keys of a literal are its type

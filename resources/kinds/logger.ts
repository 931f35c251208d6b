/** Files inside a container whose lines are logs: `logs` of its run.json, as what is wanted. */
import type { LogManifest } from '../state-format/log-manifest.ts';

export interface Logger {
  /** Absolute, as seen in the container; also the source of its lines. */
  readonly path: string;
  /** Emptied once it is read and has grown so large; undefined: never. */
  readonly truncateAtBytes?: number;
}

const DEFAULT_MAX_BYTES = 2_097_152;
const DEFAULT_PATH = '/var/log/messages';
export const DEFAULT_LOGGERS: readonly Logger[] = ['/var/log/syslog', DEFAULT_PATH].map((path) => ({
  path,
  truncateAtBytes: DEFAULT_MAX_BYTES,
}));
/** Each is watched and read by itself. */
export const MAX_LOGGERS = 16;

const truncateAt = ({ truncate, maxsize }: LogManifest): number | undefined => {
  if (!String(truncate ?? '').startsWith('true')) return undefined;
  const bytes = maxsize === undefined ? DEFAULT_MAX_BYTES : Number(maxsize);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
};

const loggerOf = (manifest: LogManifest): Logger => {
  const { file = DEFAULT_PATH } = manifest;
  const truncateAtBytes = truncateAt(manifest);
  const path = file.startsWith('/') ? file : `/${file}`;
  return { path, ...(truncateAtBytes === undefined ? {} : { truncateAtBytes }) };
};

/** Console and LXC's own log are always kept: an entry about one of them is no file to follow. */
const isAboutRuntime = (manifest: LogManifest): boolean => 'lxc' in manifest || 'console' in manifest;

/** At most MAX_LOGGERS, each file once; the defaults, if there is none. */
export const loggersOf = (manifests: readonly LogManifest[] = []): readonly Logger[] => {
  const loggers = manifests.filter((manifest) => !isAboutRuntime(manifest)).map(loggerOf);
  const byPath = new Map(loggers.map((logger) => [logger.path, logger]));
  return byPath.size === 0 ? DEFAULT_LOGGERS : [...byPath.values()].slice(0, MAX_LOGGERS);
};

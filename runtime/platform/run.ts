/** `pantavisor run`: reads the configuration, opens the log, and hands over to the daemon. */
import pino, { type Logger } from 'pino';
import { type Config, loadConfig } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { isAppengine } from '../config/init-mode.ts';
import { linuxFiles } from '../host/linux/files/linux-files.ts';
import { endProcess } from '../host/linux/kernel/end-process.ts';
import { loadTrust } from '../trust/load-trust.ts';
import { findSources, type SourceOptions } from './config-sources.ts';
import { logDestination } from './log-destination.ts';
import { logLevelOf } from './log-level.ts';
import { type LogTap, logTap } from './log-tap.ts';
import type { Platform } from './platform.ts';

const openLog = (config: Config, tap: LogTap): Logger =>
  pino({ level: logLevelOf(config.settings), base: null, timestamp: pino.stdTimeFunctions.isoTime }, tap);

const checkUser = (): void => {
  if (process.getuid?.() !== 0)
    throw new ConfigError(
      'mounts and containers need root: run it with sudo, or look with `pantavisor validate` first',
    );
};

/** By hand it would set off the machine's watchdog, and nobody would reboot when it says so. */
const checkSupervisor = (config: Config): void => {
  if (!isAppengine(config.values.PV_SYSTEM_INIT_MODE) && process.env['PANTAVISOR_SUPERVISED'] !== '1')
    throw new ConfigError(
      `PV_SYSTEM_INIT_MODE is "${config.values.PV_SYSTEM_INIT_MODE}", for which init must start and supervise the daemon, ` +
        'as in the images of hack/image; set PV_SYSTEM_INIT_MODE=appengine to run beside the init of this machine',
    );
};

const platformFor = async (config: Config): Promise<Platform> =>
  isAppengine(config.values.PV_SYSTEM_INIT_MODE)
    ? (await import('./appengine.ts')).appengine
    : (await import('./init/init.ts')).initPlatform(config);

const failed = (log: Logger, error: unknown): number => {
  log.fatal({ err: error }, 'pantavisor could not start; containers that run go on running');
  return 1;
};

/** Runs until the daemon ends; its code is ours. */
export const run = async (options: SourceOptions): Promise<void> => {
  const { sources, warnings: unread } = findSources(options);
  const { config: configured, warnings } = loadConfig(sources);
  const config = { ...configured, trust: await loadTrust(configured.values, linuxFiles) };
  checkUser();
  checkSupervisor(config);
  const tap = logTap(logDestination(process.stdout));
  const log = openLog(config, tap);
  for (const warning of [...unread, ...warnings]) log.warn(warning);
  const [{ runDaemon }, platform] = await Promise.all([import('./daemon.ts'), platformFor(config)]);
  // Not process.exitCode: watches and sockets that are still open must not keep a daemon that has ended.
  endProcess(await runDaemon(config, log, tap, platform).catch((error: unknown) => failed(log, error)));
};

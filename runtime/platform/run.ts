/** `pantavisor run`: reads the configuration, opens the log, and hands over to the daemon. */
import pino, { type Logger } from 'pino';
import { type Config, loadConfig } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { endProcess } from '../host/linux/kernel/end-process.ts';
import { findSources, type SourceOptions } from './config-sources.ts';
import { logDestination } from './log-destination.ts';
import { logLevelOf } from './log-level.ts';
import { type LogTap, logTap } from './log-tap.ts';

const openLog = (config: Config, tap: LogTap): Logger =>
  pino({ level: logLevelOf(config.settings), base: null, timestamp: pino.stdTimeFunctions.isoTime }, tap);

const checkUser = (): void => {
  if (process.getuid?.() !== 0)
    throw new ConfigError(
      'mounts and containers need root: run it with sudo, or look with `pantavisor validate` first',
    );
};

const failed = (log: Logger, error: unknown): number => {
  log.fatal({ err: error }, 'pantavisor could not start; containers that run go on running');
  return 1;
};

/** Runs until the daemon ends; its code is ours. */
export const run = async (options: SourceOptions): Promise<void> => {
  const { sources, warnings: unread } = findSources(options);
  const { config, warnings } = loadConfig(sources);
  checkUser();
  const tap = logTap(logDestination(process.stdout));
  const log = openLog(config, tap);
  for (const warning of [...unread, ...warnings]) log.warn(warning);
  const [{ runDaemon }, { appengine }] = await Promise.all([import('./daemon.ts'), import('./appengine.ts')]);
  // Not process.exitCode: watches and sockets that are still open must not keep a daemon that has ended.
  endProcess(await runDaemon(config, log, tap, appengine).catch((error: unknown) => failed(log, error)));
};

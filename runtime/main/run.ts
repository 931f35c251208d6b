/** `pantavisor run`: reads the configuration, opens the log, and hands over to the daemon. */
import { existsSync, readFileSync } from 'node:fs';
import pino, { type Logger } from 'pino';
import { type Config, loadConfig } from '../config/config.ts';
import { ConfigError } from '../config/error.ts';
import { endProcess } from '../host/linux/ending.ts';
import { logDestination } from './log-destination.ts';
import { logLevelOf } from './log-level.ts';

/** Read when it is there; a file that was named must be. */
const USUAL_FILE = '/etc/pantavisor.config';

/** Content of the file that was named, else of the usual one if there is one. @throws ConfigError */
export const configurationFile = (named: string | undefined): string | undefined => {
  const file = named ?? (existsSync(USUAL_FILE) ? USUAL_FILE : undefined);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`--config ${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
};

const openLog = (config: Config): Logger =>
  pino(
    { level: logLevelOf(config.settings), base: null, timestamp: pino.stdTimeFunctions.isoTime },
    logDestination(process.stdout),
  );

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
export const run = async (options: { readonly config?: string }): Promise<void> => {
  const file = configurationFile(options.config);
  const { config, warnings } = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  checkUser();
  const log = openLog(config);
  for (const warning of warnings) log.warn(warning);
  const { runDaemon } = await import('./daemon.ts');
  // Not process.exitCode: watches and sockets that are still open must not keep a daemon that has ended.
  endProcess(await runDaemon(config, log).catch((error: unknown) => failed(log, error)));
};

/**
 * The daemon: the process around the parts of one device, on a platform.
 *
 * In: the configuration and a platform. Out: an exit code. SIGTERM and SIGINT stop every container and leave nothing
 * behind; killed, it leaves everything running for the next daemon to take over. Our own bugs end the process with
 * code 70.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { config as rxjs } from 'rxjs';
import type { Ref } from '../../resources/ref.ts';
import type { Config } from '../config/config.ts';
import { type LiveConfig, openLiveConfig } from '../config/live-config.ts';
import { openParts } from '../device/parts.ts';
import { linuxFiles } from '../host/linux/files/linux-files.ts';
import { lockDirectories } from '../host/linux/files/lock.ts';
import { realPaths } from '../host/linux/files/real-paths.ts';
import { endProcess } from '../host/linux/kernel/end-process.ts';
import { mallocTrim } from '../host/linux/kernel/libc.ts';
import { linuxClock } from '../host/linux/kernel/linux-clock.ts';
import { mendedHost } from '../host/mending-files.ts';
import { startingFiles } from '../host/starting-files.ts';
import { type Ending, startDeviceParts } from './device-parts.ts';
import { logLevelOf } from './log-level.ts';
import type { LogTap } from './log-tap.ts';
import type { Platform } from './platform.ts';
import { startListening } from './signals.ts';
import { openSysctls } from './sysctls.ts';

const BUG_EXIT_CODE = 70;

/**
 * Runs until a signal ends it, or somebody asks for a reboot or to power off.
 * @returns the exit code: 0, what the platform says for a device that is to be switched off, or 1 when something was
 *   left behind
 */
export const runDaemon = async (config: Config, log: Logger, tap: LogTap, platform: Platform): Promise<number> => {
  const onBug = endOnBugs(log);
  // From the first moment on: a start is no time to be ended half-way either.
  const signals = startListening();
  const asked = Promise.withResolvers<Ending>();
  const onProblem = (subject: string, message: string): void => log.warn({ subject }, message);
  const parts = openParts<Ending>((name) => log.debug(`${name} is up`));

  const watchdog = await parts.add(
    'watchdog',
    () => platform.startWatchdog(config.values),
    ({ stop, rebooting }, why) => (why === 'reboot' ? rebooting() : stop()),
  );
  const paths = await realPaths(config.paths);
  await parts.add(
    'lock',
    () => lockDirectories([paths.storage, paths.run]),
    (unlock) => unlock(),
  );
  const { files } = startingFiles(mendedHost({ files: linuxFiles }, paths, onProblem).files, linuxClock);
  for (const directory of [paths.logs, paths.volumes, paths.lxc]) await files.makeDirectory(directory, 0o755);
  const onReboot = (): void => asked.resolve('reboot');
  const host = await parts.add(
    'host',
    async () => mendedHost(await platform.openHost({ paths, onReboot }), paths, onProblem),
    ({ close }) => close(),
  );
  const sysctls = openSysctls(onProblem);
  const live = followMetadata(config, log, (key, value) => void sysctls.set(key, value).catch(onBug));
  await sysctls.apply(config.sysctls);
  const { statusUrl, pushUrl, leftOver } = await startDeviceParts(parts, {
    ...{ host, paths, config, live, log, tap, onProblem, onBug },
    boot: platform.boot(paths),
    session: randomUUID(),
    releaseMemory,
    onPowerOff: () => asked.resolve('power off'),
  });
  const urls = { status: statusUrl, push: pushUrl };
  log.info({ socket: `${paths.run}/pv-ctrl`, watch: paths.watch, ...urls }, 'pantavisor is ready');
  watchdog.ready();

  const end = await Promise.race([signals.first, asked.promise]);
  log.info(end === 'reboot' ? 'the device boots anew' : `${end}: every container is stopped`);
  await parts.stop(end);
  // A signal that came meanwhile means this process, and the next program in it would never know.
  if (end === 'reboot' && !(await signals.any())) {
    signals.stop();
    return platform.reboot();
  }
  tellLeftOver(leftOver(), log);
  return leftOver().length > 0 ? 1 : end === 'power off' ? platform.powerOff() : 0;
};

const endOnBugs = (log: Logger): ((error: unknown) => void) => {
  const onBug = (error: unknown): void => {
    log.fatal({ err: error }, 'pantavisor has a bug and must be started again; containers go on running');
    endProcess(BUG_EXIT_CODE);
  };
  rxjs.onUnhandledError = onBug;
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  return onBug;
};

const tellLeftOver = (left: readonly Ref[], log: Logger): void => {
  if (left.length === 0) log.info('pantavisor has stopped and left nothing behind');
  else log.error({ left }, `${left.length} resources could not be taken down; they are taken up at the next start`);
};

/** Holds the event loop up for some 30 ms with 20 containers, so only when nothing is going on. */
const releaseMemory = (): void => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  mallocTrim();
};

/** The log takes a new level at once; everything else that depends on what may change asks when it counts. */
const followMetadata = (
  { settings }: Config,
  log: Logger,
  onSysctl: (key: string, value: string | undefined) => void,
): LiveConfig => {
  const live = openLiveConfig({
    settings,
    onSysctl,
    onChange: () => {
      log.level = logLevelOf(live.settings);
    },
    onWarning: (warning) => log.warn(warning),
  });
  return live;
};

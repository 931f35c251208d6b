/**
 * The daemon: one device on this machine, with its sockets, its watched directory, signals and log.
 *
 * In: the configuration. Out: an exit code. SIGTERM and SIGINT stop every container and leave nothing behind; killed,
 * it leaves everything running for the next daemon to take over. Our own bugs end the process with code 70.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { config as rxjs } from 'rxjs';
import { groupStatusNameOf, statusNameOf } from '../../reconcilers/goals.ts';
import type { Paths } from '../../resources/paths.ts';
import { refOf } from '../../resources/ref.ts';
import { type Api, startApi } from '../api/api.ts';
import type { Config } from '../config/config.ts';
import { type LiveConfig, openLiveConfig } from '../config/live-config.ts';
import { openPorts, type Ports } from '../device/control-ports.ts';
import { type Device, startDevice } from '../device/device.ts';
import { type Logging, startLogging } from '../device/device-logging.ts';
import { explainResource } from '../device/explain-resource.ts';
import { progressText, stepsOf } from '../device/installed-steps.ts';
import { type Oem, oemOf } from '../device/oem.ts';
import { openPushing } from '../device/push-ports.ts';
import { onceCalm } from '../device/release-memory.ts';
import { storageSettingsOf } from '../device/storage-settings.ts';
import { watchedDirectory } from '../device/watched-directory.ts';
import { logEvents } from '../engine/log.ts';
import type { Host } from '../host/host.ts';
import { linuxFiles } from '../host/linux/files/linux-files.ts';
import { lockDirectories } from '../host/linux/files/lock.ts';
import { realPaths } from '../host/linux/files/real-paths.ts';
import { endProcess } from '../host/linux/kernel/end-process.ts';
import { mallocTrim } from '../host/linux/kernel/libc.ts';
import { linuxClock } from '../host/linux/kernel/linux-clock.ts';
import { linuxHost } from '../host/linux/linux-host.ts';
import { linuxContainers } from '../host/linux/lxc/linux-containers.ts';
import { linkSockets } from '../host/linux/lxc/restricted-sockets.ts';
import { callersOf } from '../host/linux/peer/peer.ts';
import { startingFiles } from '../host/starting-files.ts';
import { plannerFor } from '../rehearsal/planner.ts';
import { readingBeside } from '../threads/state-reader.ts';
import { logLevelOf } from './log-level.ts';
import type { LogTap } from './log-tap.ts';
import { lxcSettings, rehearsalSettings } from './machine-settings.ts';
import { openPlatform, type Platform } from './platform.ts';
import { startListening } from './signals.ts';
import { openSysctls } from './sysctls.ts';

/** Every group may need its grace, one after the other. */
const SHUTDOWN_LIMIT_MS = 60_000;
const BUG_EXIT_CODE = 70;
/** Whoever started us may switch the machine off. */
const POWER_OFF_EXIT_CODE = 3;

/** Runs until a signal ends it. @returns the exit code: 0, 3 when it was asked to power off, or 1 when something was left behind. */
export const runDaemon = async (config: Config, log: Logger, tap: LogTap): Promise<number> => {
  const onBug = (error: unknown): void => {
    log.fatal({ err: error }, 'pantavisor has a bug and must be started again; containers go on running');
    endProcess(BUG_EXIT_CODE);
  };
  rxjs.onUnhandledError = onBug;
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  // From the first moment on: a start is no time to be ended half-way either.
  const signals = startListening();

  const paths = await realPaths(config.paths);
  const unlock = lockDirectories([paths.storage, paths.run]);
  const platform = openPlatform(config, paths);
  const { files } = startingFiles(linuxFiles, linuxClock);
  for (const directory of [paths.logs, paths.volumes, paths.lxc]) await files.makeDirectory(directory, 0o755);
  const reboot = Promise.withResolvers<'reboot'>();
  const powerOff = Promise.withResolvers<'power off'>();
  const host = await linuxHost({
    paths,
    containers: await linuxContainers({ lxcPath: paths.lxc }),
    restart: () => {
      reboot.resolve('reboot');
      return new Promise(() => {});
    },
  });
  const onProblem = (subject: string, message: string): void => log.warn({ subject }, message);
  const sysctls = openSysctls(onProblem);
  const live = followMetadata(config, log, (key, value) => void sysctls.set(key, value).catch(onBug));
  await sysctls.apply(config.sysctls);
  const oem = oemOf({ live, files: host.files, paths, onProblem });
  const opened = Promise.withResolvers<void>();
  const device = await startOn(host, paths, config, { log, onBug, live, oem, platform, opened: opened.promise });
  const calm = onceCalm(device.loop.snapshots, host.clock, giveMemoryBack);
  const incoming = watchedDirectory({ device, host, paths, onProblem, onBug });
  await incoming.start(device.arbiter.portFor(incoming));
  const ports = await openPorts({
    ...{ device, host, paths, config, live, onProblem, onBug },
    powerOff: (reason) => {
      log.info(reason);
      powerOff.resolve('power off');
    },
  });
  const logging = startLogging({ device, host, paths, live, tap, onProblem, onBug });
  const api = await openApi(device, host, paths, { config, ports, logging, log });
  await linkSockets(paths);
  // Bringing many containers up keeps a small machine busy: whoever asks meanwhile has an answer.
  opened.resolve();
  const pushing = await openPushing({ device, host, paths, config, live, ports, conditions: api.conditions, log });
  const urls = { status: api.statusUrl, push: pushing.url() };
  log.info({ socket: `${paths.run}/pv-ctrl`, watch: paths.watch, ...urls }, 'pantavisor is ready');
  platform.watchdog.ready();
  const end = await Promise.race([signals.first, reboot.promise, powerOff.promise]);
  log.info(end === 'reboot' ? 'the device boots anew' : `${end}: every container is stopped`);
  await incoming.stop();
  ports.stop();
  calm.unsubscribe();
  const left = end === 'reboot' ? [] : await device.shutDown(SHUTDOWN_LIMIT_MS, end);
  device.stop();
  await Promise.all([pushing.stop(), api.stop()]);
  await logging.stop(end !== 'reboot');
  await host.close();
  unlock();
  if (end === 'reboot' && !(await signals.any())) {
    signals.stop();
    platform.watchdog.rebooting();
    return platform.reboot();
  }
  platform.watchdog.stop();
  if (left.length === 0) log.info('pantavisor has stopped and left nothing behind');
  else log.error({ left }, `${left.length} resources could not be taken down; they are taken up at the next start`);
  return left.length > 0 ? 1 : end === 'power off' ? POWER_OFF_EXIT_CODE : 0;
};

/** Holds the event loop up for some 30 ms with 20 containers, so only when nothing is going on. */
const giveMemoryBack = (): void => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  mallocTrim();
};

interface Surroundings {
  readonly log: Logger;
  readonly onBug: (error: unknown) => void;
  readonly live: LiveConfig;
  readonly oem: Oem;
  readonly platform: Platform;
  readonly opened: Promise<void>;
}

const startOn = (
  host: Host,
  paths: Paths,
  { values }: Config,
  { log, onBug, live, oem, platform, opened }: Surroundings,
): Promise<Device> =>
  startDevice({
    host,
    paths,
    oem,
    goalsTimeoutSeconds: values.PV_UPDATER_GOALS_TIMEOUT,
    get commitDelaySeconds() {
      return live.values.PV_UPDATER_COMMIT_DELAY;
    },
    rebootTransitions: values.PV_UPDATER_REBOOT,
    verityHandlers: values.PV_SECUREBOOT_HANDLERS,
    ...(platform.bootloader === undefined ? {} : { bootloader: platform.bootloader }),
    ...(platform.loader === undefined ? {} : { loader: platform.loader }),
    reader: readingBeside(),
    storage: storageSettingsOf(() => live.values),
    lxc: {
      ...lxcSettings(values),
      get logLevel() {
        return live.values.PV_LXC_LOG_LEVEL;
      },
      get devLog() {
        return live.values.PV_LOG_AUTO_DEVLOG;
      },
      onNotice: (container, notice) => log.info({ ref: refOf('container', container) }, notice),
    },
    session: randomUUID(),
    onEvents: (events) => logEvents(events, log),
    onBug,
    opened,
    onProblem: (subject, message) => log.warn({ subject }, message),
  });

/** The log takes a new level at once; whoever else depends on what may change asks when it counts. */
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

interface Served {
  readonly config: Config;
  readonly ports: Ports;
  readonly logging: Logging;
  readonly log: Logger;
}

const openApi = (device: Device, host: Host, paths: Paths, { config, ports, logging, log }: Served): Promise<Api> => {
  const { loop, store } = device;
  return startApi({
    socketPath: `${paths.run}/pv-ctrl`,
    statusListen: config.statusListen,
    files: host.files,
    snapshot: loop.latest,
    changes: loop.snapshots,
    events: loop.events,
    nowMs: host.clock.nowMs,
    wallTime: host.clock.wallTime,
    containerStatusName: statusNameOf,
    groupStatusName: groupStatusNameOf,
    identify: callersOf(paths.lxc),
    progress: (revision) => progressText(store, revision),
    steps: () => stepsOf(store, host.files, paths),
    signalReady: async (container) => ((await device.signalReady(container)) ? 'ok' : 'unexpected'),
    control: device.control,
    collectGarbage: device.collectGarbage,
    explain: (kind, name) => explainResource(device, kind, name),
    plan: plannerFor(device, host, rehearsalSettings(host, paths, config)),
    history: device.history.revisions,
    ...ports,
    logs: logging.server.counts,
    report: (error, doing) => log.error({ err: error }, doing),
  });
};

/**
 * The parts of one device that serves its surroundings: the device itself, its log, sockets, and sources of desired
 * state.
 *
 * In: a host, directories, and the configuration. Out: parts, in the order in which they depend on each other. Nothing
 * is decided here.
 */
import type { Logger } from 'pino';
import { groupStatusNameOf, statusNameOf } from '../../reconcilers/goals.ts';
import type { Paths } from '../../resources/paths.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { type Api, startApi } from '../api/api.ts';
import type { Config } from '../config/config.ts';
import { isAppengine } from '../config/init-mode.ts';
import type { LiveConfig } from '../config/live-config.ts';
import { openPorts, type Ports } from '../device/control-ports.ts';
import { type Device, type DeviceOptions, startDevice } from '../device/device.ts';
import { type Logging, startLogging } from '../device/device-logging.ts';
import { explainResource } from '../device/explain-resource.ts';
import { type HubSource, hubSource } from '../device/hub-source.ts';
import { progressText, stepsOf } from '../device/installed-steps.ts';
import { oemOf } from '../device/oem.ts';
import type { Parts } from '../device/parts.ts';
import { openPushing, type Pushing } from '../device/push-ports.ts';
import { onceCalm } from '../device/release-memory.ts';
import { storageSettingsOf } from '../device/storage-settings.ts';
import { watchedDirectory } from '../device/watched-directory.ts';
import { logEvents } from '../engine/log.ts';
import type { Host } from '../host/host.ts';
import { linkSockets } from '../host/linux/lxc/restricted-sockets.ts';
import { callersOf } from '../host/linux/peer/peer.ts';
import { plannerFor } from '../rehearsal/planner.ts';
import type { Source } from '../sources/source.ts';
import { readingBeside } from '../threads/state-reader.ts';
import type { LogTap } from './log-tap.ts';
import { lxcSettings, rehearsalSettings } from './machine-settings.ts';

/** Why a device ends; `reboot`: its containers are down already. */
export type Ending = NodeJS.Signals | 'reboot' | 'power off';

export interface DevicePartsOptions {
  readonly host: Host;
  readonly paths: Paths;
  readonly config: Config;
  readonly live: LiveConfig;
  readonly log: Logger;
  readonly tap: LogTap;
  /** See Platform. */
  readonly boot: Pick<DeviceOptions, 'bootloader' | 'loader'>;
  /** Differs for every start of the daemon. */
  readonly session: string;
  readonly onPowerOff: () => void;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
  /** Gives memory back to the machine. */
  readonly releaseMemory: () => void;
}

export interface Served {
  readonly statusUrl: string | undefined;
  readonly pushUrl: string | undefined;
  /** What could not be taken down when the device ended. */
  leftOver(): readonly Ref[];
}

/** Every group may need its grace, one after the other. */
const SHUTDOWN_LIMIT_MS = 60_000;

export const startDeviceParts = async (parts: Parts<Ending>, options: DevicePartsOptions): Promise<Served> => {
  const { host, paths, config, live, log, tap, onProblem, onBug } = options;
  const serving = Promise.withResolvers<void>();
  let left: readonly Ref[] = [];

  const device = await parts.add(
    'device',
    () => startOn(options, serving.promise),
    ({ stop }) => stop(),
  );
  const common = { device, host, paths, live, onProblem, onBug };
  let hub: HubSource | undefined;
  const ports = await parts.add('control ports', () =>
    openPorts({ ...common, config, powerOff: powerOffOf(options), hub: () => hub }),
  );
  hub = hubSource({ ...common, ports });
  const sources = [watchedDirectory(common), hub];
  const logging = await parts.add(
    'logging',
    () => startLogging({ ...common, tap }),
    ({ stop }, why) => stop(why !== 'reboot'),
  );
  const api = await parts.add(
    'control socket',
    () => openApi(options, device, ports, logging, [hub]),
    ({ stop }) => stop(),
  );
  await linkSockets(paths);
  // Bringing many containers up keeps a small machine busy: clients that ask meanwhile get an answer.
  serving.resolve();
  const pushing = await parts.add<Pushing>(
    'push',
    () => openPushing({ device, host, paths, config, live, ports, conditions: api.conditions, log }),
    ({ stop }) => stop(),
  );
  await parts.add(
    'containers',
    () => device,
    async ({ shutDown }, why) => {
      if (why !== 'reboot') left = await shutDown(SHUTDOWN_LIMIT_MS, why);
    },
  );
  await parts.add(
    'device facts',
    () => ports,
    ({ stop }) => stop(),
  );
  await parts.add(
    'memory',
    () => onceCalm(device.loop.snapshots, host.clock, options.releaseMemory),
    (subscription) => subscription.unsubscribe(),
  );
  for (const source of sources) await startSource(parts, device, source);
  return { statusUrl: api.statusUrl, pushUrl: pushing.url(), leftOver: () => left };
};

const startSource = (parts: Parts<Ending>, { arbiter }: Device, source: Source): Promise<unknown> =>
  parts.add(
    source.name,
    () => source.start(arbiter.portFor(source)),
    () => source.stop(),
  );

const powerOffOf =
  ({ log, onPowerOff }: DevicePartsOptions) =>
  (reason: string): void => {
    log.info(reason);
    onPowerOff();
  };

const startOn = (options: DevicePartsOptions, opened: Promise<void>): Promise<Device> => {
  const { host, paths, config, live, log, session, onProblem, onBug } = options;
  const { values, bootloader } = config;
  const lxc = lxcSettings(values);
  return startDevice({
    ...{ host, paths, bootloader, session, opened, onProblem, onBug },
    ...options.boot,
    oem: oemOf({ live, files: host.files, paths, onProblem }),
    goalsTimeoutSeconds: values.PV_UPDATER_GOALS_TIMEOUT,
    commitDelaySeconds: () => live.values.PV_UPDATER_COMMIT_DELAY,
    rebootTransitions: values.PV_UPDATER_REBOOT,
    verityHandlers: values.PV_SECUREBOOT_HANDLERS,
    trust: config.trust,
    appengine: isAppengine(values.PV_SYSTEM_INIT_MODE),
    reader: readingBeside(),
    storage: () => storageSettingsOf(live.values),
    lxc: () => ({
      ...lxc,
      logLevel: live.values.PV_LXC_LOG_LEVEL,
      devLog: live.values.PV_LOG_AUTO_DEVLOG,
      onNotice: (container, notice) => log.info({ ref: refOf('container', container) }, notice),
    }),
    onEvents: (events) => logEvents(events, log),
  });
};

const openApi = (
  { host, paths, config, log }: DevicePartsOptions,
  device: Device,
  ports: Ports,
  logging: Logging,
  sources: readonly Pick<HubSource, 'view'>[],
): Promise<Api> => {
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
    sources: () => sources.map(({ view }) => view()),
    logs: logging.server.counts,
    report: (error, doing) => log.error({ err: error }, doing),
  });
};

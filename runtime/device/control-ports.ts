/** What the control socket is given besides the loop: objects, revisions, commands, metadata, configuration. */
import { release } from 'node:os';
import project from '../../package.json' with { type: 'json' };
import { effectiveRevision } from '../../reconcilers/desired/effective-revision.ts';
import { groupStatusNameOf } from '../../reconcilers/goals.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { MetadataPort } from '../api/metadata-endpoints.ts';
import type { ApiDeps } from '../api/ports.ts';
import type { Config } from '../config/config.ts';
import { derivedPlaces } from '../config/directories.ts';
import type { LiveConfig } from '../config/live-config.ts';
import { configList, legacyConfig } from '../config/shown-config.ts';
import type { Host } from '../host/host.ts';
import { describeMachine, describeNow } from '../host/linux/kernel/describe-machine.ts';
import { type DeviceFacts, startDeviceFacts } from '../metadata/device-facts.ts';
import { FACTS, lastingFacts, passingFacts } from '../metadata/machine-facts.ts';
import { type Metadata, openMetadata } from '../metadata/metadata.ts';
import { metadataJson } from '../metadata/metadata-json.ts';
import { userMetaSync } from '../metadata/user-meta-sync.ts';
import { openUploads } from '../store/objects/uploads.ts';
import { type HubControl, openCommands, type Performing } from './command-runner.ts';
import type { Device } from './device.ts';
import { localRun } from './local-run.ts';
import { installing } from './revision-installer.ts';

export interface PortsOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly config: Config;
  readonly live: LiveConfig;
  readonly powerOff: (reason: string) => void;
  /** undefined: it is not there yet. */
  readonly hub: () => HubControl | undefined;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

type Names = 'objects' | 'installing' | 'userMeta' | 'deviceMeta' | 'configuration' | 'buildInfo';
/** Metadata as the Hub has it. */
export interface HubMetadata {
  /** @throws DeviceError */
  applyUserMeta(map: Readonly<Record<string, unknown>>): Promise<void>;
  /** A fact of device metadata. @throws DeviceError */
  tell(key: string, value: string): Promise<void>;
}

export type Ports = Pick<ApiDeps, Names> & {
  readonly commands: Performing;
  readonly hubMetadata: HubMetadata;
  readonly stop: () => void;
};

const BUILD_INFO = `${project.name} ${project.version}\nnode ${process.versions.node}\nlinux ${release()}\n`;
const SSH = 'PV_DEBUG_SSH';

export const openPorts = async (options: PortsOptions): Promise<Ports> => {
  const { config, paths, live } = options;
  const places = derivedPlaces(paths, config.caches);
  const user = await openMap(options, 'user-meta', live.setMetadata);
  const own = await openMap(options, 'device-meta');
  const facts = factsOf(options, own);
  const sync = userMetaSync(user, (message) => options.onProblem('user-meta', message));
  return {
    objects: uploadsOf(options),
    installing: installingOf(options),
    commands: commandsOf(options, own),
    hubMetadata: { applyUserMeta: sync.apply, tell: (key, value) => facts.tell(key, value) },
    userMeta: touching(portOf(user), sync.touched),
    deviceMeta: portOf(own, facts.refresh),
    configuration: {
      legacy: () => legacyConfig(live.settings, places),
      list: () => configList(live.settings, places),
    },
    buildInfo: BUILD_INFO,
    stop: facts.stop,
  };
};

const openMap = (
  { host, paths, config, onProblem }: PortsOptions,
  name: 'user-meta' | 'device-meta',
  onChange: (key: string, value: string | undefined) => void = () => undefined,
): Promise<Metadata> => {
  const cache = name === 'user-meta' ? config.caches.user : config.caches.device;
  const facts = name === 'device-meta' ? FACTS : [];
  return openMetadata({ files: host.files, name, run: paths.run, cache, facts, onChange, onProblem });
};

const touching = (port: MetadataPort, touched: (key: string) => void): MetadataPort => ({
  ...port,
  put: async (key, value) => {
    const outcome = await port.put(key, value);
    if (outcome === 'done') touched(key);
    return outcome;
  },
});

const portOf = ({ entries, put, remove }: Metadata, refresh = async (): Promise<void> => undefined): MetadataPort => ({
  json: async () => {
    await refresh();
    return metadataJson(entries());
  },
  put,
  remove,
});

const factsOf = ({ device, host, onProblem, onBug }: PortsOptions, metadata: Metadata): DeviceFacts =>
  startDeviceFacts({
    metadata,
    lasting: async () => lastingFacts(await describeMachine(), project.version),
    passing: async () => passingFacts(await describeNow(), await device.store.space(), host.clock.wallTime()),
    snapshots: device.loop.snapshots,
    latest: device.loop.latest,
    bootedRevision: (snapshot) => {
      const { status } = resourceIn(snapshot, UPDATE);
      return status && effectiveRevision(status);
    },
    groupStatusName: groupStatusNameOf,
    onProblem,
    onBug,
  });

const uploadsOf = ({ device: { store }, host: { files, clock }, paths, live }: PortsOptions) =>
  openUploads({
    store,
    files,
    clock,
    directory: `${paths.storage}/objects`,
    keptSeconds: () => live.values.PV_STORAGE_GC_THRESHOLD_DEFERTIME,
  });

const installingOf = ({ device: { store, loop, revisions }, host: { files }, paths, onProblem }: PortsOptions) =>
  installing({
    store,
    files,
    paths,
    running: () => loop.latest().revision,
    read: revisions.read,
    onProblem,
  });

const commandsOf = ({ device, host, paths, live, powerOff, hub, onProblem, onBug }: PortsOptions, own: Metadata) =>
  openCommands({
    snapshot: device.loop.latest,
    hasDebugShell: () => live.values.PV_DEBUG_SHELL,
    ...localRun({ device, host, paths, onProblem, onBug }),
    reboot: device.reboot,
    powerOff,
    collectGarbage: device.collectGarbage,
    hub,
    setDeviceMeta: (key, value) => own.put(key, value),
    setSsh: (enabled) => live.setMetadata(SSH, enabled ? '1' : '0'),
    onProblem,
    onBug,
  });

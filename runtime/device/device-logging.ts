/**
 * Logging of one device, put together: the server, its outputs, and what is captured of containers.
 *
 * In: the configuration as it is now, and what the device runs. Out: log files, lines on stdout, and the log of each
 * update. It begins after the device, which it needs the revision of: what LXC writes until then waits in files.
 */

import { effectiveRevision } from '../../reconcilers/desired/effective-revision.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { captureDirectory, captureName, captureRoot, startedOf } from '../../resources/lxc/lxc-place.ts';
import { type Paths, trailPath } from '../../resources/paths.ts';
import { nameOf, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { Host } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';
import { linuxFollowedFiles, ownRoot } from '../host/linux/logs/linux-followed-files.ts';
import { linuxLogFiles } from '../host/linux/logs/linux-log-files.ts';
import { containerOfPid } from '../host/linux/peer/peer.ts';
import type { LogFiles } from '../host/log-files.ts';
import { type Captures, type Life, openCaptures } from '../logging/captures.ts';
import type { Delivered, Notes } from '../logging/checkpoint.ts';
import { type LogServer, startLogServer } from '../logging/log-server.ts';
import type { LogSink } from '../logging/log-sink.ts';
import { openLogStore } from '../logging/log-store.ts';
import { outputsOf, showsOwn } from '../logging/outputs.ts';
import { stdoutSink } from '../logging/stdout.ts';
import { stampOf } from '../logging/timestamp-format.ts';
import { openUpdateLog } from '../logging/update-log.ts';
import { printTo } from '../platform/log-destination.ts';
import { logThresholdOf } from '../platform/log-level.ts';
import type { LogTap } from '../platform/log-tap.ts';
import type { Device } from './device.ts';
import { openDelivery } from './log-delivery.ts';
import { openLogSources } from './log-sources.ts';
import { followUpdates } from './update-logging.ts';

export interface LoggingOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly live: LiveConfig;
  /** On the daemon's own log. */
  readonly tap: LogTap;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Logging {
  readonly server: LogServer;
  /** @param isLast the containers are gone. Resolves when everything is on the disk. */
  stop(isLast: boolean): Promise<void>;
}

const STOP_LIMIT_SECONDS = 5;

export const startLogging = (options: LoggingOptions): Logging => {
  const { device, host, paths, live, tap, onProblem, onBug } = options;
  const updateLog = openUpdateLog({
    files: host.files,
    trailOf: (revision) => trailPath(paths, revision),
    onProblem,
  });
  const [logs, run] = [linuxLogFiles(paths.logs), linuxLogFiles(paths.run)];
  const { delivered, notes } = openDelivery({ files: host.files, logs, run, paths, onProblem });
  const disk = openDisk(options, logs, notes);
  const stdout = stdoutSink(printTo(process.stdout), () => stampOf(live.values.PV_LOG_STDOUT_TIMESTAMP_FORMAT));
  const server = startLogServer({
    sinks: [disk, stdout, updateLog],
    outputs: () => outputsOf(outputSettings(live), { disk, stdout, update: updateLog }),
    now: () => timesOf(host, live),
    clock: host.clock,
    onLoss: (platform, records) => onProblem(platform, `logs faster than can be written: ${records} records were lost`),
    onBug,
  });
  const closeSources = openLogSources({
    ...{ server, clock: host.clock, paths, live, tap, onProblem, onBug },
    showsOwn: () => showsOwn(outputSettings(live)),
  });
  const captures = captureOn(options, server, delivered);
  const subscriptions = [
    followRevision(device, server),
    device.loop.snapshots.subscribe((snapshot) => captures?.follow(livesIn(snapshot))),
    followUpdates({
      ...{ ...device, ...host, snapshots: device.loop.snapshots, log: updateLog, onProblem, onBug },
      readToEnd: async (name, startedIn) => captures?.readToEnd(name, startedIn),
    }),
  ];
  return {
    server,
    stop: async (isLast) => {
      for (const subscription of subscriptions) subscription.unsubscribe();
      closeSources();
      const ending = async (): Promise<void> => {
        await captures?.stop(isLast);
        await server.stop();
      };
      // A disk that hangs must not keep the device from going down; the last lines are all that is lost.
      const ended = inTime(host.clock, STOP_LIMIT_SECONDS, 'stop', 'logging', ending);
      await ended.catch((error: unknown) => onProblem('logging', String(error)));
    },
  };
};

const openDisk = ({ device, host, live, onProblem, onBug }: LoggingOptions, logs: LogFiles, notes: Notes): LogSink => {
  return openLogStore({
    logs,
    clock: host.clock,
    revision: revisionIn(device.loop.latest()) ?? '0',
    layout: () => {
      const { PV_LOG_SERVER_OUTPUTS: tokens } = live.values;
      const tree = stampOf(live.values.PV_LOG_FILETREE_TIMESTAMP_FORMAT);
      const single = stampOf(live.values.PV_LOG_SINGLEFILE_TIMESTAMP_FORMAT);
      return {
        ...{ filetree: tokens.includes('filetree'), singlefile: tokens.includes('singlefile') },
        ...(tree === undefined ? {} : { filetreeStamp: tree }),
        ...(single === undefined ? {} : { singlefileStamp: single }),
      };
    },
    budget: () => ({
      maxSize: live.values.PV_LOG_DIR_MAXSIZE,
      hysteresisFactor: live.values.PV_LOG_HYSTERESIS_FACTOR,
      rotateFactor: live.values.PV_LOG_ROTATE_FACTOR,
    }),
    notes,
    onProblem,
    onBug,
  });
};

const outputSettings = ({ values, settings }: LiveConfig) => ({
  capture: values.PV_LOG_CAPTURE,
  tokens: values.PV_LOG_SERVER_OUTPUTS,
  level: logThresholdOf(settings),
});

const timesOf = ({ clock }: Host, { values }: LiveConfig) => {
  const timeMs = clock.wallTime().getTime();
  return { timeMs, tsec: Math.floor((values.PV_LOG_TIMESTAMP === 'absolute' ? timeMs : clock.nowMs()) / 1000) };
};

const revisionIn = (snapshot: Snapshot): string | undefined => {
  const { status } = resourceIn(snapshot, UPDATE);
  return status && effectiveRevision(status);
};

const followRevision = ({ loop }: Device, server: LogServer) => {
  let current = revisionIn(loop.latest());
  return loop.snapshots.subscribe((snapshot) => {
    const next = revisionIn(snapshot);
    if (next === undefined || next === current) return;
    current = next;
    server.transition(next);
  });
};

const isContainer = (ref: string): ref is Ref<'container'> => ref.startsWith('container/');

/** What was started and still is, wanted or not. */
const livesIn = (snapshot: Snapshot): readonly Life[] =>
  Object.keys(snapshot.observed)
    .filter(isContainer)
    .flatMap((ref) => {
      const { spec, status } = resourceIn(snapshot, ref);
      // Started by nobody we know, so that its console is not ours either.
      if (status === undefined || status.revision === '') return [];
      const initPid = status.phase === 'running' && status.endingSinceMs === undefined ? status.run.initPid : undefined;
      const wantedBy = spec?.definition === status.definition ? spec.revision : undefined;
      return [{ name: nameOf(ref), startedIn: status.revision, wantedBy, initPid, loggers: spec?.loggers }];
    });

const captureOn = (
  { host, paths, live, onProblem, onBug }: LoggingOptions,
  server: LogServer,
  delivered: Delivered,
): Captures | undefined => {
  if (!live.values.PV_LOG_CAPTURE) return undefined;
  return openCaptures({
    files: linuxFollowedFiles,
    clock: host.clock,
    directoryOf: (started) => `${captureRoot(paths).slice(paths.run.length + 1)}/${captureName(started)}`,
    runRoot: ownRoot(paths.run),
    rootOf: (name, initPid) => ({
      path: `/proc/${initPid}/root`,
      isRight: async () => {
        const caller = containerOfPid(initPid, paths.lxc);
        return typeof caller === 'object' && caller.container === name;
      },
    }),
    delivered,
    whenRoom: server.whenRoom,
    take: server.take,
    now: server.now,
    followsLoggers: live.values.PV_LOG_LOGGERS,
    leftBehind: async () => {
      const started = ((await host.files.list(captureRoot(paths))) ?? []).map(startedOf);
      const onDevice = await host.containers.list();
      return started.flatMap((one) => (one === undefined ? [] : [{ ...one, isOnDevice: onDevice.includes(one.name) }]));
    },
    forget: async (started) => {
      // Away in one step: the same container may be about to start again, and makes its own.
      const gone = `${captureRoot(paths)}/.gone-${captureName(started)}-${host.clock.nowMs()}`;
      await host.files.rename(captureDirectory(paths, started), gone);
      await host.files.remove(gone);
    },
    onProblem,
    onBug,
  });
};

/** Joins pushing from outside to the device, where it is configured: nothing of it is loaded elsewhere. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { failedBefore, UPDATE } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { isFinal, MESSAGE, progressOf } from '../../resources/progress.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { Condition } from '../api/conditions.ts';
import type { Config } from '../config/config.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { Host } from '../host/host.ts';
import type { AuditLine } from '../push/audit.ts';
import type { PushPort, RunOutcome, StatesPort } from '../push/push-port.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import type { PartialUploads } from '../store/objects/partial-uploads.ts';
import { Rejection } from '../store/rejection.ts';
import { isRevision } from '../store/trails/revision.ts';
import type { Ports } from './control-ports.ts';
import type { Device } from './device.ts';
import { stepsOf } from './installed-steps.ts';
import { reportOf, reportsIn } from './progress-report.ts';

export interface PushingOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly config: Config;
  readonly live: LiveConfig;
  readonly ports: Ports;
  readonly conditions: () => readonly Condition[];
  readonly log: Logger;
}

export interface Pushing {
  /** undefined: nothing listens. */
  url(): string | undefined;
  stop(): Promise<void>;
}

const NOWHERE: Pushing = { url: () => undefined, stop: async () => undefined };
const SUBJECT = 'PV_PVR_LISTEN';

export const openPushing = async (options: PushingOptions): Promise<Pushing> => {
  const { config, device, host, paths, live, log } = options;
  if (config.push === undefined) return NOWHERE;
  if ('refused' in config.push) {
    log.error({ subject: SUBJECT }, `nothing can be pushed: ${config.push.refused}`);
    return NOWHERE;
  }
  const [{ startPush }, { openPartialUploads }] = await Promise.all([
    import('../push/push.ts'),
    import('../store/objects/partial-uploads.ts'),
  ]);
  const { store } = device;
  const keptSeconds = (): number => live.values.PV_STORAGE_GC_THRESHOLD_DEFERTIME;
  const uploads = await openPartialUploads({ store, files: host.files, clock: host.clock, paths, keptSeconds });
  return startPush(config.push, portOf(options, uploads));
};

const portOf = (options: PushingOptions, uploads: PartialUploads): PushPort => {
  const { device, host, paths, ports, conditions, log } = options;
  const { loop, store, history } = device;
  return {
    files: host.files,
    changes: loop.snapshots,
    nowMs: host.clock.nowMs,
    wallTime: host.clock.wallTime,
    hostname: hostname(),
    conditions,
    reports: () => reportsIn(loop.latest()),
    committed: () => resourceIn(loop.latest(), UPDATE).status?.committed.revision,
    steps: () => stepsOf(store, host.files, paths),
    objects: ports.objects,
    uploads,
    hasRoomFor: async (bytes) => (await store.makeRoom(bytes)).availableBytes >= bytes,
    states: statesOf(options),
    run: {
      isUpdating: (revision) => {
        const { spec, status } = resourceIn(loop.latest(), UPDATE);
        const about = status?.trial?.revision ?? spec?.revision;
        return ports.commands.isUpdating() && (revision === undefined || revision === about);
      },
      isRebooting: () => resourceIn(loop.latest(), UPDATE).status?.rebooting !== undefined,
      begin: (revision, from) => begin(ports, revision, from),
    },
    audit: (line) => {
      const what = auditText(line);
      log.info({ subject: SUBJECT, from: line.from, status: line.status }, what);
      history.accessed({ ...line, what });
    },
    audited: history.accesses,
    report: (error, doing) => log.error({ err: error }, doing),
    onProblem: (message) => log.warn({ subject: SUBJECT }, message),
  };
};

const auditText = ({ what, unwritten }: AuditLine): string =>
  unwritten === 0 ? what : `${what} (and ${unwritten} refusals before it)`;

const begin = async ({ commands }: Ports, revision: string, from: string): Promise<RunOutcome> => {
  const done = commands.perform({ operation: 'LOCAL_RUN', payload: revision, by: { source: 'push', from } });
  if (done === undefined) return { is: 'busy', message: 'A command is already in progress. Try again' };
  try {
    await done;
    return { is: 'begun' };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { is: 'refused', message: error.message };
  }
};

const statesOf = ({ device, ports }: PushingOptions): StatesPort => {
  const { store, revisions, loop } = device;
  return {
    ...ports.installing,
    // While it reboots or ends, nothing runs that could be named.
    running: () => [loop.latest().revision].find((revision) => revision !== undefined && isRevision(revision)),
    hash: store.hash,
    judge: async (revision, document) => {
      const read = await revisions.read(document, revision);
      if (!read.ok) return read;
      return { ok: true, hash: read.state.hash, objects: read.state.objects.map(({ id }) => id) };
    },
    missing: store.missingObjects,
    failure: async (hash) => failedBefore({ hash }, Object.values(await store.failures())),
    report: (revision) => storedReport(device, revision),
  };
};

const storedReport = async (
  { store, loop, arbiter }: Device,
  revision: string,
): Promise<ProgressReport | undefined> => {
  const hash = isRevision(revision) ? await store.hash(revision) : undefined;
  if (hash === undefined) return undefined;
  const progress = (await store.progress(revision)) ?? progressOf('NEW', MESSAGE.readyToRun);
  const outcome = arbiter.portFor({ name: 'push' }).outcomeOf({ revision, hash });
  // Another proposal took its place before it began: the store knows of no attempt.
  if (outcome?.is === 'superseded' && !isFinal(progress)) return reportOf(outcome);
  const known = reportsIn(loop.latest()).get(revision);
  // What the loop knows may be of an attempt before this one.
  const reason = known?.progress.status === progress.status ? known.reason : undefined;
  const waitingOn = isFinal(progress) ? undefined : known?.waitingOn;
  return {
    progress,
    ...(reason === undefined ? {} : { reason }),
    ...(waitingOn === undefined ? {} : { waitingOn }),
  };
};

/**
 * A listener on a free port of the loopback, with a real store below it and a device of which a test says how it fares.
 * What it was asked to do is recorded.
 */
import { Subject } from 'rxjs';
import type { Failure } from '../../../resources/kinds/update.ts';
import { MESSAGE, type ProgressStatus, progressOf } from '../../../resources/progress.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import type { Condition } from '../../../runtime/api/conditions.ts';
import type { PushSettings } from '../../../runtime/config/push-config.ts';
import { installing } from '../../../runtime/device/revision-installer.ts';
import type { Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import type { AuditLine } from '../../../runtime/push/audit.ts';
import { type Push, startPush } from '../../../runtime/push/push.ts';
import type { PushPort, RunOutcome } from '../../../runtime/push/push-port.ts';
import type { ProgressReport } from '../../../runtime/sources/directory/status-file.ts';
import { openPartialUploads } from '../../../runtime/store/objects/partial-uploads.ts';
import { openUploads } from '../../../runtime/store/objects/uploads.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { readHere } from '../../../runtime/threads/state-reader.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { type Answer, type Ask, ask, follow, raw, type Stream } from './client.ts';

export interface Bench {
  readonly device: TestDevice;
  readonly store: Store;
  readonly push: Push;
  readonly log: string[];
  readonly audit: AuditLine[];
  readonly problems: string[];
  running: string | undefined;
  outcome: RunOutcome;
  isUpdating: boolean;
  isRebooting: boolean;
  conditions: readonly Condition[];
  readonly failures: Failure[];
  readonly reports: Map<string, ProgressReport>;
  /** Monotonic, of limits and signatures. */
  nowMs: number;
  readonly url: string;
  /** Something has changed. */
  tell(): void;
  /** Somebody follows what changes. */
  isFollowed(): boolean;
  fares(revision: string, status: ProgressStatus, reason?: string): void;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** A stream: what has come of it so far. */
  follow(method: string, path: string, ask?: Ask): Stream;
  /** Bytes as they are, until the other side closes. */
  raw(text: string, pauseMs?: number): Promise<string>;
  stop(): Promise<void>;
}

/** Files as root has them, whoever runs the tests. */
const asRoot: Files = {
  ...linuxFiles,
  stat: async (path) => {
    const stat = await linuxFiles.stat(path);
    return stat && { ...stat, owner: 0 };
  },
  inspect: async (path, maxBytes) => {
    const seen = await linuxFiles.inspect(path, maxBytes);
    return seen && { ...seen, stat: { ...seen.stat, owner: 0 } };
  },
};

const CONTEXT = {
  goalsTimeoutSeconds: 30,
  verityHandlers: true,
  appengine: true,
} as const;

export interface BenchOptions extends Partial<PushSettings> {
  /** Called before the listener starts, with the device's directory. */
  readonly prepare?: (root: string) => Promise<Partial<PushSettings> | undefined>;
  readonly files?: Partial<Files>;
}

export const startBench = async ({ prepare, files = {}, ...given }: BenchOptions = {}): Promise<Bench> => {
  const device = await testDevice();
  const all = { ...asRoot, ...files };
  const store = await device.reopen(all);
  const changes = new Subject<Snapshot>();
  const prepared = (await prepare?.(device.root)) ?? {};
  const settings: PushSettings = {
    listen: { host: '127.0.0.1', port: 0 },
    isLoopback: true,
    tokens: undefined,
    tls: undefined,
    rate: 1_000,
    ...given,
    ...prepared,
  };
  const { clock, paths } = device;
  const keptSeconds = () => 600;
  const steps = installing({
    store,
    files: all,
    paths,
    running: () => bench.running,
    read: async (document, revision) => readHere(document, { ...CONTEXT, paths, revision }),
    onProblem: () => undefined,
  });
  const uploads = await openPartialUploads({ store, files: all, clock, paths, keptSeconds });
  const port: PushPort = {
    files: all,
    changes,
    nowMs: () => bench.nowMs,
    wallTime: () => new Date(),
    hostname: 'gateway',
    conditions: () => bench.conditions,
    reports: () => bench.reports,
    committed: () => '0',
    steps: async () =>
      (await store.revisions()).map((name) => ({ name, date: new Date(0), commitMessage: '', progress: undefined })),
    objects: openUploads({ store, files: all, clock, directory: `${paths.storage}/objects`, keptSeconds }),
    uploads,
    hasRoomFor: async (bytes) => (await store.makeRoom(bytes)).availableBytes >= bytes,
    states: {
      ...steps,
      hash: store.hash,
      judge: async (revision, document) => {
        const read = readHere(document, { ...CONTEXT, paths, revision });
        if (!read.ok) return read;
        return { ok: true, hash: read.state.hash, objects: read.state.objects.map(({ id }) => id) };
      },
      missing: store.missingObjects,
      failure: async (hash) => bench.failures.find((failure) => failure.hash === hash),
      report: async (revision) =>
        bench.reports.get(revision) ??
        ((await store.hash(revision)) === undefined ? undefined : { progress: progressOf('NEW', MESSAGE.readyToRun) }),
    },
    run: {
      isUpdating: (revision) => bench.isUpdating && [undefined, bench.running].includes(revision),
      isRebooting: () => bench.isRebooting,
      begin: async (revision, from) => {
        bench.log.push(`run ${revision} for ${from}`);
        if (bench.outcome.is === 'begun') bench.running = revision;
        return bench.outcome;
      },
    },
    audit: (line) => void bench.audit.push(line),
    audited: async () => [
      {
        id: 1,
        boot: 'b',
        atMs: 0,
        time: '2024-01-01T00:00:00.000Z',
        kind: 'accessed',
        from: 'ci',
        reason: 'PUT /x',
        code: '200',
        because: [],
      },
    ],
    report: (error, doing) => void bench.problems.push(`${doing}: ${error instanceof Error ? error.message : error}`),
    onProblem: (message) => void bench.problems.push(message),
  };
  let push: Push | undefined;
  const bench: Bench = {
    device,
    store,
    get push() {
      if (push === undefined) throw new Error('it is not started yet');
      return push;
    },
    log: [],
    audit: [],
    problems: [],
    running: '0',
    outcome: { is: 'begun' },
    isUpdating: false,
    isRebooting: false,
    conditions: [],
    failures: [],
    reports: new Map(),
    nowMs: 1_000_000,
    get url() {
      return push?.url() ?? '';
    },
    isFollowed: () => changes.observed,
    tell: () => changes.next(EMPTY_SNAPSHOT),
    fares: (revision, status, reason) => {
      bench.reports.set(revision, {
        progress: progressOf(status, 'as it is'),
        ...(reason === undefined ? {} : { reason }),
      });
      changes.next(EMPTY_SNAPSHOT);
    },
    ask: (method, path, options) => ask(new URL(path, bench.url), method, options),
    follow: (method, path, options) => follow(new URL(path, bench.url), method, options),
    raw: (text, pauseMs) => raw(Number(new URL(bench.url).port), text, pauseMs),
    stop: async () => {
      await push?.stop();
      await device.remove();
    },
  };
  push = await startPush(settings, port);
  return bench;
};

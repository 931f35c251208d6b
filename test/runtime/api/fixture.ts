/** A device as the API sees it: snapshots by hand, and deps that record what they were asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer, EMPTY, finalize, Subject } from 'rxjs';
import type { ContainerSpec, ContainerStatus } from '../../../resources/kinds/container.ts';
import type { ContainerStatusName } from '../../../resources/kinds/goal.ts';
import type { GroupSpec } from '../../../resources/kinds/group.ts';
import { CONVERGED, type Plan } from '../../../resources/plan.ts';
import { type Ref, refOf } from '../../../resources/ref.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import type { ApiDeps, ControlAnswer } from '../../../runtime/api/ports.ts';
import type { Caller } from '../../../runtime/http/peer.ts';
import { fakePorts } from './fake-ports.ts';

export const container = (name: string, changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
  name,
  order: 0,
  revision: 'locals/a',
  definition: 'd'.repeat(64),
  group: 'group/app',
  statusGoal: 'STARTED',
  restartPolicy: 'container',
  roles: ['mgmt'],
  volumes: [],
  directory: `/storage/trails/locals/a/${name}`,
  bindModulesAndFirmware: true,
  loggers: [],
  stopped: false,
  generation: 0,
  ...changes,
});

export const group = (name: string, changes: Partial<GroupSpec> = {}): GroupSpec => ({
  name,
  order: 0,
  revision: 'locals/a',
  statusGoal: 'STARTED',
  restartPolicy: 'container',
  timeoutSeconds: 30,
  members: [],
  ...changes,
});

export const running = (
  changes: { startedAtMs?: number; readyAtMs?: number; retries?: number } = {},
): ContainerStatus => ({
  phase: 'running',
  run: {
    startedAtMs: changes.startedAtMs ?? 0,
    ...(changes.readyAtMs === undefined ? {} : { readyAtMs: changes.readyAtMs }),
    volumes: {},
  },
  frozen: false,
  rootIntact: true,
  definition: 'd'.repeat(64),
  generation: 0,
  revision: 'locals/a',
  rank: 0,
  retries: changes.retries ?? 0,
});

/** It ended with exit code 1, unasked. */
export const exited = (): ContainerStatus => ({
  phase: 'exited',
  run: { startedAtMs: 0, volumes: {} },
  exit: { type: 'code', code: 1 },
  exitedAtMs: 5,
  definition: 'd'.repeat(64),
  generation: 0,
  revision: 'locals/a',
  rank: 0,
  retries: 0,
});

/** A snapshot of these containers and groups, each with this plan. */
export const snapshotOf = (
  containers: readonly ContainerSpec[],
  groups: readonly GroupSpec[] = [],
  changes: Partial<Snapshot> = {},
): Snapshot => {
  const desired: Snapshot['desired'] = Object.fromEntries([
    ...groups.map((spec) => [refOf('group', spec.name), spec]),
    ...containers.map((spec) => [refOf('container', spec.name), spec]),
  ]);
  const plans = Object.fromEntries(Object.keys(desired).map((ref) => [ref, CONVERGED])) as Record<Ref, Plan>; // keys of Record<Ref, …>
  return { ...EMPTY_SNAPSHOT, revision: 'locals/a', desired, plans, ...changes };
};

export interface FakeDevice {
  readonly deps: ApiDeps;
  /** What the API asked for, as sentences. */
  readonly log: string[];
  readonly show: (snapshot: Snapshot) => void;
  caller: Caller | undefined;
  pid: number;
  answer: ControlAnswer;
  readonly names: Map<Ref, ContainerStatusName>;
  nowMs: number;
  /** How often a caller was to be identified. */
  readonly asked: () => number;
  /** How many follow the snapshots. */
  readonly followers: () => number;
  readonly remove: () => void;
}

/** Deps over a temporary directory; `remove` takes it away. */
export const fakeDevice = (first: Snapshot, changes: Partial<ApiDeps> = {}): FakeDevice => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-api-'));
  let snapshot = first;
  const subject = new Subject<Snapshot>();
  let followers = 0;
  let asked = 0;
  const log: string[] = [];
  const names = new Map<Ref, ContainerStatusName>();
  const device: FakeDevice = {
    log,
    names,
    caller: 'host',
    pid: 1,
    answer: { status: 200 },
    nowMs: 0,
    show: (next) => {
      snapshot = next;
      subject.next(next);
    },
    asked: () => asked,
    followers: () => followers,
    remove: () => rmSync(directory, { recursive: true, force: true }),
    deps: {
      socketPath: join(directory, 'pv-ctrl'),
      statusListen: undefined,
      sources: () => [],
      files: {
        stat: async (path) => {
          const stat = await lstat(path).catch(() => undefined);
          if (stat === undefined) return undefined;
          const isLink = stat.isSymbolicLink();
          const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : isLink ? 'symlink' : 'other';
          return {
            type,
            sizeBytes: 0,
            mode: stat.mode,
            device: 0,
            inode: 0,
            links: 1,
            modifiedMs: 0,
            changedMs: 0,
            owner: 0,
          };
        },
        remove: (path) => rm(path, { recursive: true, force: true }),
      },
      snapshot: () => snapshot,
      events: EMPTY,
      logs: () => [],
      plan: async (document) => {
        log.push(`plan ${document === undefined ? 'now' : Buffer.from(document).toString()}`);
        return { against: 'running', from: '0', to: 'locals/a', steps: [] };
      },
      changes: defer(() => {
        followers++;
        return subject.pipe(finalize(() => followers--));
      }),
      nowMs: () => device.nowMs,
      wallTime: () => new Date(Date.UTC(2024, 4, 1) + device.nowMs),
      containerStatusName: (ref) => names.get(ref) ?? 'STARTED',
      groupStatusName: (ref) => names.get(ref) ?? 'READY',
      identify: () => {
        asked++;
        return device.caller === undefined ? undefined : { caller: device.caller, pid: device.pid };
      },
      progress: async (revision) => (revision === 'locals/a' ? '{"status":"DONE"}' : undefined),
      steps: async () => [],
      signalReady: async (name) => {
        log.push(`${name} is ready`);
        return name === 'web' ? 'ok' : 'unexpected';
      },
      collectGarbage: async () => {
        log.push('collect garbage');
        return 12_345;
      },
      control: async (name, action) => {
        log.push(`${action} ${name}`);
        return device.answer;
      },
      explain: async (kind, name) =>
        kind === 'container' && name === 'web'
          ? { ref: 'container/web', now: 'is as it should be', deeds: [] }
          : undefined,
      history: async () => [],
      ...fakePorts(log),
      report: (error, doing) => {
        log.push(`reported ${doing}: ${error instanceof Error ? error.message : error}`);
      },
      ...changes,
    },
  };
  return device;
};

/** Joins the watched directory to the device: drops become proposals, and every drop is told how it fares. */

import { UPDATE } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { MESSAGE, progressOf } from '../../resources/progress.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { Host } from '../host/host.ts';
import type { Judgement } from '../sources/directory/examine-drop.ts';
import { incoming, type Proposal } from '../sources/directory/incoming.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import type { Reading } from '../threads/state-reader.ts';
import type { Device } from './device.ts';

/** Status files lie on flash: what changes many times within this is written once. */
const REPORT_EVERY_MS = 200;

export interface FollowOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export const followIncoming = ({ device, host, paths, onProblem, onBug }: FollowOptions): { stop(): void } => {
  const { loop, store, revisions } = device;
  const drops = incoming({
    files: host.files,
    clock: host.clock,
    store,
    directory: paths.watch,
    read: async (bytes) => judgementOf(await revisions.read(bytes, 'locals/incoming')),
    onProblem,
  });

  const told = new Map<string, string>();
  let cancel: (() => void) | undefined;
  const tell = (): void => {
    cancel = undefined;
    for (const [revision, report] of reportsOf(loop.latest())) {
      const text = JSON.stringify(report);
      if (told.get(revision) === text) continue;
      told.set(revision, text);
      drops.report(revision, report).catch(onBug);
    }
  };
  const directory = paths.watch.slice(paths.watch.lastIndexOf('/') + 1);
  const propose = ({ file, ...proposal }: Proposal): void => device.propose(proposal, `${directory}/${file}`);
  const proposals = drops.proposals.subscribe({ next: propose, error: onBug });
  const reports = loop.snapshots.subscribe(() => {
    cancel ??= host.clock.schedule(host.clock.nowMs() + REPORT_EVERY_MS, tell);
  });
  return {
    stop: () => {
      proposals.unsubscribe();
      reports.unsubscribe();
      cancel?.();
    },
  };
};

const judgementOf = (read: Reading): Judgement =>
  read.ok ? { ok: true, hash: read.state.hash, objects: read.state.objects } : read;

/** How every revision fares that the update knows of. */
export const reportsOf = (snapshot: Snapshot): ReadonlyMap<string, ProgressReport> => {
  const reports = new Map<string, ProgressReport>();
  const { status } = resourceIn(snapshot, UPDATE);
  if (status === undefined) return reports;
  for (const failure of Object.values(status.failures)) {
    reports.set(failure.revision, { progress: progressOf(failure.status, failure.message), reason: failure.detail });
  }
  const { committed, trial } = status;
  reports.set(committed.revision, { progress: progressOf('DONE', MESSAGE.done) });
  if (trial === undefined) return reports;
  const progress =
    trial.commitAtMs === undefined
      ? progressOf('INPROGRESS', MESSAGE.trying)
      : progressOf('TESTING', MESSAGE.awaitingStable);
  reports.set(trial.revision, { progress, waitingOn: unfinished(snapshot) });
  return reports;
};

const unfinished = ({ plans }: Snapshot): { resource: string; reason: string }[] =>
  Object.entries(plans).flatMap(([resource, plan]) =>
    plan.outcome === 'converged' ? [] : [{ resource, reason: plan.reason }],
  );

/**
 * Keeps what Pantavisor itself says in device-meta true.
 *
 * What lasts is said once, what the device does when it changes, and what changes all the time when somebody asks:
 * nothing is polled.
 */
import { auditTime, distinctUntilChanged, map, type Observable } from 'rxjs';
import { CONTAINER_STATUSES, type ContainerStatusName } from '../../resources/kinds/goal.ts';
import { isOfKind, type Ref } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { DeviceError } from '../host/host.ts';
import { isRevision } from '../store/trails/revision.ts';
import type { Facts } from './machine-facts.ts';
import type { Metadata } from './metadata.ts';

export interface DeviceFactsOptions {
  readonly metadata: Metadata;
  readonly lasting: () => Promise<Facts>;
  readonly passing: () => Promise<Facts>;
  /** The latest first. */
  readonly snapshots: Observable<Snapshot>;
  readonly latest: () => Snapshot;
  /** The revision that a device which has just started is going to run, before it begins to. */
  readonly bootedRevision: (snapshot: Snapshot) => string | undefined;
  readonly groupStatusName: (ref: Ref<'group'>, snapshot: Snapshot) => ContainerStatusName;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface DeviceFacts {
  /** Every fact is as of now when this resolves. @throws DeviceError */
  refresh(): Promise<void>;
  /** A fact from elsewhere, which is not overwritten by those of the start. @throws DeviceError */
  tell(key: string, value: string): Promise<void>;
  stop(): void;
}

/** A device that starts changes thousands of times in a second. */
const FOLLOW_INTERVAL_MS = 50;

/** That of the group that is farthest from its goal. */
const deviceStatus = (snapshot: Snapshot, statusOf: DeviceFactsOptions['groupStatusName']): ContainerStatusName => {
  const groups = (Object.keys(snapshot.desired) as Ref[]).filter((ref) => isOfKind('group', ref)); // keys of Record<Ref, …>
  const ranks = groups.map((ref) => CONTAINER_STATUSES.indexOf(statusOf(ref, snapshot)));
  return ranks.length === 0 ? 'READY' : (CONTAINER_STATUSES[Math.min(...ranks)] ?? 'NONE');
};

/** Nobody waits for the first facts but whoever asks for them. */
export const startDeviceFacts = (options: DeviceFactsOptions): DeviceFacts => {
  const { metadata, lasting, passing, snapshots, latest, bootedRevision, groupStatusName, onProblem, onBug } = options;
  const tell = async (facts: Facts): Promise<void> => {
    for (const [key, value] of Object.entries(facts)) await metadata.putFact(key, value);
  };
  const inBackground = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof DeviceError) onProblem('device-meta', error.message);
      else onBug(error);
    }
  };
  const runningFacts = (snapshot: Snapshot): Facts => {
    const revision = snapshot.revision ?? bootedRevision(snapshot);
    // Between two revisions there is none that runs.
    if (revision === undefined || !isRevision(revision)) return {};
    const status = snapshot.revision === undefined ? 'NONE' : deviceStatus(snapshot, groupStatusName);
    return { 'pantavisor.revision': revision, 'pantavisor.status': status };
  };
  const begun = inBackground(lasting().then(tell));
  const refresh = async (): Promise<void> => {
    await begun;
    await tell(runningFacts(latest()));
    await tell(await passing());
  };

  void inBackground(refresh());
  const revisions = snapshots.pipe(
    auditTime(FOLLOW_INTERVAL_MS),
    map(runningFacts),
    distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
  );
  const following = revisions.subscribe({ next: (facts) => void inBackground(tell(facts)), error: onBug });
  const tellLater = async (key: string, value: string): Promise<void> => {
    await begun;
    await metadata.putFact(key, value);
  };
  return { refresh, tell: tellLater, stop: () => following.unsubscribe() };
};

/** The present of the device that this daemon looks after, from its own snapshot and store. */

import { stepText } from '../../reconcilers/kinds.ts';
import { UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import { objectPath, type Paths } from '../../resources/paths.ts';
import type { Plan } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { Host } from '../host/host.ts';
import type { Store } from '../store/store.ts';
import { EMPTY_STATE } from '../store/trails/layout.ts';
import type {
  Knowledge,
  LookUp,
  Pending,
  Present,
  Question,
  RecordedIntent,
  RehearsalSettings,
  StoredRevision,
  TrialRevision,
} from './present.ts';

export interface RunningDevice {
  readonly snapshot: Snapshot;
  readonly store: Pick<Store, 'document' | 'space'>;
  readonly intents: readonly (readonly [container: string, intent: RecordedIntent])[];
  readonly nowMs: number;
  readonly settings: RehearsalSettings;
}

/** undefined: the storage has not been read yet. @throws DeviceError */
export const presentOfRunning = async (device: RunningDevice): Promise<Present | undefined> => {
  const { snapshot, store, intents, nowMs, settings } = device;
  const { spec, status } = resourceIn(snapshot, UPDATE);
  if (status === undefined || snapshot.revision === undefined) return undefined;
  const { [UPDATE]: _, ...observed } = snapshot.observed;
  const stored = async (revision: string): Promise<StoredRevision> => ({
    revision,
    document: (await store.document(revision)) ?? Buffer.from(EMPTY_STATE),
  });
  const { committed, trial, failures, rebooting, lifeline, brokenBefore } = status;
  const isProposed = spec !== undefined && ![committed.revision, trial?.revision].includes(spec.revision);
  return {
    source: 'running',
    committed: await stored(committed.revision),
    ...(trial === undefined ? {} : { trial: { ...(await stored(trial.revision)), ...trialOf(trial, rebooting) } }),
    ...(isProposed ? { proposal: await stored(spec.revision) } : {}),
    failures: Object.values(failures),
    booted: true,
    // A trial that waits for its reboot says so itself.
    ...(rebooting === undefined || rebooting === trial?.rebootFor ? {} : { rebooting }),
    ...(lifeline === undefined
      ? {}
      : { lifeline: { stage: lifeline.stage, reason: lifeline.reason, sinceMs: lifeline.sinceMs } }),
    ...(brokenBefore === undefined ? {} : { brokenBefore }),
    pending: pendingIn(snapshot, nowMs),
    observed,
    intents,
    troubles: troublesIn(snapshot),
    space: await store.space(),
    nowMs,
    settings,
  };
};

const trialOf = (
  { startedAtMs, testedAtMs, commitAtMs, rebootFor, interrupted }: NonNullable<UpdateStatus['trial']>,
  rebooting: string | undefined,
): Pick<TrialRevision, 'entry' | 'spent'> => {
  const booted = rebootFor !== undefined && rebooting !== rebootFor;
  const spent = rebootFor === undefined || booted;
  if (interrupted) return { spent };
  const entry = {
    startedAtMs,
    booted,
    ...(testedAtMs === undefined ? {} : { testedAtMs }),
    ...(commitAtMs === undefined ? {} : { commitAtMs }),
    ...(rebootFor === undefined ? {} : { rebootFor }),
  };
  return { entry, spent };
};

const OUTCOMES = ['acting', 'waiting', 'stalled'] as const;

const pendingIn = ({ plans }: Snapshot, nowMs: number): Pending[] =>
  (Object.entries(plans) as [Ref, Plan][]) // keys of Record<Ref, …>
    .flatMap(([ref, plan]): Pending[] => {
      if (plan.outcome === 'converged') return [];
      const { outcome, reason } = plan;
      if (outcome === 'acting') return [{ ref, outcome, reason, sentence: stepText(plan.next), waitingOn: [] }];
      const untilMs = outcome === 'waiting' ? plan.untilMs : undefined;
      const inSeconds = untilMs === undefined ? {} : { inSeconds: Math.max(0, Math.ceil((untilMs - nowMs) / 1000)) };
      return [{ ref, outcome, reason, waitingOn: outcome === 'waiting' ? plan.on : [], ...inSeconds }];
    })
    .sort((a, b) => OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome));

const troublesIn = ({ failures }: Snapshot): string[] =>
  Object.entries(failures).map(
    ([ref, { message, attempts }]) =>
      `${ref as Ref}: ${message} (tried ${attempts === 1 ? 'once' : `${attempts} times`}); the plan assumes that it works from now on`,
  );

const STAT_BATCH = 32;
const MAX_TEXT_BYTES = 256 * 1024;

/** Looks things up on the device itself, a few at a time, so that the daemon has time for others in between. */
export const lookUpOn =
  ({ files, disks }: { readonly files: Host['files']; readonly disks?: Host['disks'] }, paths: Paths): LookUp =>
  async (question) => {
    const sizes = await sizesOf(question.objects, files, paths);
    return { sizes, texts: await textsOf(question, sizes, files, paths), disks: await contentsOf(question, disks) };
  };

const sizesOf = async (ids: readonly string[], files: Host['files'], paths: Paths): Promise<Knowledge['sizes']> => {
  const sizes = new Map<string, number>();
  for (let start = 0; start < ids.length; start += STAT_BATCH) {
    const batch = ids.slice(start, start + STAT_BATCH);
    const stats = await Promise.all(batch.map((id) => files.stat(objectPath(paths, id))));
    for (const [at, id] of batch.entries()) {
      const stat = stats[at];
      if (stat?.type === 'file') sizes.set(id, stat.sizeBytes);
    }
  }
  return sizes;
};

/** LXC configurations; one that is too large is left out, and refused when its container starts. */
const textsOf = async (
  { texts }: Question,
  sizes: Knowledge['sizes'],
  files: Host['files'],
  paths: Paths,
): Promise<Knowledge['texts']> => {
  const found = new Map<string, string>();
  for (const id of texts) {
    const size = sizes.get(id);
    if (size === undefined || size > MAX_TEXT_BYTES) continue;
    const bytes = await files.read(objectPath(paths, id), MAX_TEXT_BYTES);
    if (bytes !== undefined) found.set(id, bytes.toString());
  }
  return found;
};

/** Without a Disks port (no root) nobody can tell what a disk holds; it is taken for one that is blank. */
const contentsOf = async (question: Question, disks: Host['disks'] | undefined): Promise<Knowledge['disks']> => {
  const found = new Map<string, string>();
  for (const path of question.disks) {
    const contents = disks === undefined ? 'blank' : await disks.contents(path);
    if (contents !== undefined) found.set(path, contents);
  }
  return found;
};

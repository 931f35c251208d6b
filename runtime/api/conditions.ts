/** The device in three sentences: conditions in Kubernetes' form, computed from a snapshot. Pure. */

import { UPDATE } from '../../resources/kinds/update.ts';
import { nameOf, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';

export const CONDITION_TYPES = ['Converged', 'Progressing', 'Degraded'] as const;

export interface Condition {
  readonly type: (typeof CONDITION_TYPES)[number];
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word for machines. */
  readonly reason: string;
  readonly message: string;
  /** When `status` changed last, ISO 8601, wall clock. */
  readonly lastTransitionTime: string;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

const verdict = (holds: boolean, reason: string, message: string): Verdict => ({
  status: holds ? 'True' : 'False',
  reason,
  message,
});

/** Every resource somebody wants or the device has, in no particular order. */
export const refsOf = ({ desired, observed, plans }: Snapshot): readonly Ref[] => [
  ...new Set([...Object.keys(desired), ...Object.keys(observed), ...Object.keys(plans)] as Ref[]), // keys of Record<Ref, …>
];

const SHOWN = 3;

/** `container/web: reason; volume/a: reason and 4 more`. */
const list = (snapshot: Snapshot, refs: readonly Ref[]): string => {
  const named = refs.slice(0, SHOWN).map((ref) => `${ref}: ${reasonOf(snapshot, ref)}`);
  const more = refs.length - named.length;
  return named.join('; ') + (more > 0 ? ` and ${more} more` : '');
};

/** Why a resource is not converged, in words; empty when it is. */
export const reasonOf = ({ plans, failures }: Snapshot, ref: Ref): string => {
  const failure = failures[ref];
  if (failure !== undefined) return `${failure.message} (attempt ${failure.attempts})`;
  const plan = plans[ref];
  if (plan === undefined) return 'not looked at yet';
  return plan.outcome === 'converged' ? '' : plan.reason;
};

const exitedUnasked = (snapshot: Snapshot): readonly Ref[] =>
  (Object.keys(snapshot.desired) as Ref[]).filter((ref) => {
    if (!ref.startsWith('container/')) return false;
    const { spec, status } = resourceIn(snapshot, ref as Ref<'container'>); // by the line above
    return spec?.stopped === false && status?.phase === 'exited';
  });

/** The proposal that was tried and given up; undefined when the newest proposal runs or is on trial. */
const refusedProposal = (snapshot: Snapshot): string | undefined => {
  const { spec, status } = resourceIn(snapshot, UPDATE);
  if (spec === undefined || status === undefined || status.trial?.revision === spec.revision) return undefined;
  const failure = Object.hasOwn(status.failures, spec.revision) ? status.failures[spec.revision] : undefined;
  return failure?.hash === spec.hash ? `${spec.revision}: ${failure.message}: ${failure.detail}` : undefined;
};

/** Not planned yet is not converged. */
export const isConverged = ({ plans }: Snapshot, ref: Ref): boolean => plans[ref]?.outcome === 'converged';

const withOutcome = ({ plans }: Snapshot, refs: readonly Ref[], ...outcomes: readonly string[]): readonly Ref[] =>
  refs.filter((ref) => outcomes.includes(plans[ref]?.outcome ?? 'unknown'));

const convergedOf = (snapshot: Snapshot, refs: readonly Ref[]): Verdict => {
  const open = refs.filter((ref) => !isConverged(snapshot, ref));
  if (open.length === 0) return verdict(true, 'AsDesired', `${refs.length} resources are as desired`);
  const isStuck = open.some((ref) => snapshot.plans[ref]?.outcome === 'stalled');
  return verdict(false, isStuck ? 'Stalled' : 'Reconciling', list(snapshot, open));
};

const progressingOf = (snapshot: Snapshot, refs: readonly Ref[]): Verdict => {
  const moving = withOutcome(snapshot, refs, 'acting', 'waiting', 'unknown');
  const trial = resourceIn(snapshot, UPDATE).status?.trial;
  if (trial !== undefined)
    return verdict(
      true,
      trial.commitAtMs === undefined ? 'Trying' : 'Testing',
      `revision ${trial.revision} is on trial`,
    );
  if (moving.length > 0) return verdict(true, 'Reconciling', list(snapshot, moving));
  const stalled = withOutcome(snapshot, refs, 'stalled');
  return stalled.length > 0
    ? verdict(false, 'Stalled', list(snapshot, stalled))
    : verdict(false, 'Settled', 'there is nothing to do');
};

const degradedOf = (snapshot: Snapshot, refs: readonly Ref[]): Verdict => {
  const stalled = withOutcome(snapshot, refs, 'stalled');
  if (stalled.length > 0) return verdict(true, 'Stalled', list(snapshot, stalled));
  const failing = refs.filter((ref) => snapshot.failures[ref] !== undefined);
  if (failing.length > 0) return verdict(true, 'ActionFailing', list(snapshot, failing));
  const exited = exitedUnasked(snapshot);
  if (exited.length > 0) return verdict(true, 'ContainerExited', `${exited.map(nameOf).join(', ')} ended on its own`);
  const refused = refusedProposal(snapshot);
  if (refused !== undefined) return verdict(true, 'RevisionRefused', refused);
  return verdict(false, 'Healthy', 'nothing failed');
};

const VERDICTS = { Converged: convergedOf, Progressing: progressingOf, Degraded: degradedOf };
const NO_STATE: Verdict = { status: 'Unknown', reason: 'Starting', message: 'no revision was read yet' };

/** The conditions of a snapshot. A condition whose status is what it was keeps its `lastTransitionTime`. */
export const nextConditions = (
  previous: readonly Condition[],
  snapshot: Snapshot,
  wallTime: Date,
): readonly Condition[] => {
  const refs = refsOf(snapshot);
  return CONDITION_TYPES.map((type) => {
    const now = snapshot.revision === undefined ? NO_STATE : VERDICTS[type](snapshot, refs);
    const before = previous.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === now.status ? before.lastTransitionTime : wallTime.toISOString();
    return { type, ...now, lastTransitionTime };
  });
};

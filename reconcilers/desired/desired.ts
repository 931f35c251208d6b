/**
 * What the device should be: the running revision's resources, the standing proposal, and what operators asked for.
 *
 * In: what the update is at, the gates that a start has to pass, the standing proposal, intents, compiled revisions. Out:
 * the desired state, or why it stays as it is. Rollback, safe mode, a reboot and the end of the daemon are nothing but
 * other answers of this one function. Pure.
 */
import type { Spec } from '../../resources/catalog.ts';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import { isOfKind, type Ref, refOf } from '../../resources/ref.ts';
import { effectiveRevision } from './effective-revision.ts';

/** Stand in for a revision's name while nothing is wanted. */
export const SHUT_DOWN = '(shutting down)';
export const REBOOTING = '(rebooting)';

export type DesiredResources = Readonly<Record<Ref, Spec>>;

/** What an operator wants of a container. */
export interface Intent extends Pick<Spec<'container'>, 'stopped' | 'generation'> {
  /** When it was given (monotonic, of this boot); undefined: some time ago. */
  readonly givenAtMs?: number;
}

export type Intents = Readonly<Record<string, Intent>>;

/** What has to be true before anything is brought up. Each opens once, in any order. */
export interface Gates {
  /** Everything that the device has was looked at: nothing is started from or beside what nobody has seen. */
  readonly observed: boolean;
  /** The objects of the revisions that may run were verified, or verification is turned off. */
  readonly verified: boolean;
  /** The control socket answers: containers that come up find it. */
  readonly serving: boolean;
}

export const ALL_OPEN: Gates = { observed: true, verified: true, serving: true };

export interface CompiledRevision {
  readonly revision: string;
  readonly desired: DesiredResources;
}

export interface DesiredInputs {
  readonly gates: Gates;
  /** The daemon ends: everything is taken down. */
  readonly shuttingDown: boolean;
  /** undefined: the storage was not read yet. */
  readonly update: UpdateStatus | undefined;
  /** The standing one. */
  readonly proposal: UpdateSpec | undefined;
  readonly intents: Intents;
  /** A revision that was read; undefined: it was not, or cannot be. */
  readonly compiled: (revision: string) => CompiledRevision | undefined;
  /** What is wrong with the objects of a revision. */
  readonly faultOf: (revision: string) => string | undefined;
  /** Containers of a revision whose content is damaged, and what of it; default: none. */
  readonly damagedIn?: (revision: string) => Readonly<Record<string, string>>;
}

export type Desired =
  /** What is desired already stays so. */
  | {
      readonly is: 'unchanged';
      readonly why: string;
      /** What may be tried all the same: the revision that should run cannot be read, and something else can mend that. */
      readonly proposal?: UpdateSpec;
    }
  /** Nothing is wanted any more, but the proposal while it reboots. */
  | { readonly is: 'nothing'; readonly revision: string; readonly desired: DesiredResources }
  | { readonly is: 'revision'; readonly revision: string; readonly desired: DesiredResources };

const NOTHING: DesiredResources = {};

export const desiredState = (inputs: DesiredInputs): Desired => {
  const { gates, update, proposal, intents } = inputs;
  if (inputs.shuttingDown) return { is: 'nothing', revision: SHUT_DOWN, desired: NOTHING };
  if (update === undefined) return unchanged('the storage was not read yet');
  if (update.rebooting !== undefined) {
    return { is: 'nothing', revision: REBOOTING, desired: proposal === undefined ? NOTHING : { [UPDATE]: proposal } };
  }
  if (!gates.observed) return unchanged('not everything on the device was looked at yet');
  if (!gates.verified) return unchanged('the storage was not verified yet');
  if (!gates.serving) return unchanged('the control socket does not answer yet');

  const effective = effectiveRevision(update);
  // It is rolled back before anything of it runs; the committed one has nothing to fall back to.
  const fault = update.trial === undefined ? undefined : inputs.faultOf(effective);
  if (fault !== undefined) return unchanged(`${effective} is damaged: ${fault}`);
  if (update.unreadable !== undefined) {
    const kept = unchanged(`${effective} cannot be read: ${update.unreadable}`);
    return proposal === undefined || update.trial !== undefined ? kept : { ...kept, proposal };
  }
  const compiled = inputs.compiled(effective);
  if (compiled === undefined) return unchanged(`${effective} was not read yet`);

  const { trial } = update;
  const before = trial === undefined ? undefined : inputs.compiled(trial.fallback)?.desired;
  const changes = trial === undefined || before === undefined ? undefined : { before, sinceMs: trial.startedAtMs };
  const all = resourcesOf(compiled, proposal, intents, changes);
  const whole = withDamage(all, inputs.damagedIn?.(effective) ?? {});
  const desired = update.lifeline?.stage === 'safe' ? onlyManagement(whole) : whole;
  return { is: 'revision', revision: compiled.revision, desired };
};

const unchanged = (why: string): Extract<Desired, { readonly is: 'unchanged' }> => ({ is: 'unchanged', why });

/**
 * What a trial changes is started, or it would not be tried; what an operator stops during the trial stays stopped.
 * @param changes during a trial: the resources before it, and when it began
 */
const resourcesOf = (
  { desired: resources }: CompiledRevision,
  proposal: UpdateSpec | undefined,
  intents: Intents,
  changes: { readonly before: DesiredResources; readonly sinceMs: number } | undefined,
): DesiredResources => {
  const desired: Record<Ref, Spec> = { ...resources };
  for (const [name, { stopped, generation, givenAtMs = 0 }] of Object.entries(intents)) {
    const ref = refOf('container', name);
    const [spec, earlier] = [desired[ref], changes?.before[ref]] as (Spec<'container'> | undefined)[]; // `container/…` holds nothing else
    if (spec === undefined) continue;
    const isChanged = changes !== undefined && earlier?.definition !== spec.definition;
    const isTried = isChanged && givenAtMs < changes.sinceMs;
    desired[ref] = { ...spec, stopped: stopped && !isTried, generation };
  }
  if (proposal !== undefined) desired[UPDATE] = proposal;
  return desired;
};

/** Containers whose content is damaged keep their place, so that they are shown, and are not started. */
const withDamage = (desired: DesiredResources, damaged: Readonly<Record<string, string>>): DesiredResources => {
  const marked: Record<Ref, Spec> = { ...desired };
  for (const [name, reason] of Object.entries(damaged)) {
    const ref = refOf('container', name);
    const spec = desired[ref] as Spec<'container'> | undefined; // `container/…` holds nothing else
    if (spec !== undefined) marked[ref] = { ...spec, damaged: reason };
  }
  return marked;
};

const SAFE_MODE = 'safe mode: only containers with role mgmt run';

/** Safe mode: only containers with role mgmt run, and what they need, to reach the device and repair it. The others stay listed. */
const onlyManagement = (desired: DesiredResources): DesiredResources => {
  const isKept = (ref: Ref<'container'>): boolean =>
    (desired[ref] as Spec<'container'> | undefined)?.roles.includes('mgmt') ?? false; // `container/…` holds nothing else
  const entries = (Object.entries(desired) as [Ref, Spec][]).filter(([ref, spec]) => {
    return isOfKind('volume', ref) ? isKept((spec as Spec<'volume'>).owner) : true;
  });
  return Object.fromEntries(
    entries.map(([ref, spec]) => {
      if (isOfKind('container', ref)) return [ref, isKept(ref) ? spec : { ...spec, heldBack: SAFE_MODE }];
      if (!isOfKind('group', ref)) return [ref, spec];
      const group = spec as Spec<'group'>;
      return [ref, { ...group, revision: `${group.revision} (safe mode)`, members: group.members.filter(isKept) }];
    }),
  );
};

/** What an observation says in words: what became of a resource that we did not do. Pure. */
import type { Status } from '../resources/catalog.ts';
import type { ContainerStatus } from '../resources/kinds/container.ts';
import type { VolumeStatus } from '../resources/kinds/volume.ts';
import { isOfKind, type Ref } from '../resources/ref.ts';
import { describeExit } from './recovery.ts';
import { isAlive } from './relations.ts';

export interface Change {
  /** Follows the resource's name: `ended with signal 9`. */
  readonly what: string;
  /** When it happened, if that is known better than by looking (monotonic). */
  readonly atMs?: number;
  /** It follows from what was done to the resource before. */
  readonly expected: boolean;
}

/** found: the first look of a daemon. acting: we are at work on it, and what changes is mostly our doing. */
export type Circumstance = 'found' | 'acting' | 'watching';

interface Look<S> {
  readonly before: S | undefined;
  readonly after: S | undefined;
  readonly when: Circumstance;
}

/** undefined: nothing worth telling. */
export const changeOf = (ref: Ref, look: Look<Status>): Change | undefined => {
  // A ref's kind says of which kind its status is.
  if (isOfKind('container', ref)) return changeOfContainer(look as Look<ContainerStatus>);
  return look.when === 'watching' ? changeOfThing(ref, look) : undefined;
};

const unasked = (what: string): Change => ({ what, expected: false });

const changeOfContainer = ({ before, after, when }: Look<ContainerStatus>): Change | undefined => {
  if (after?.phase === 'exited') {
    if (before?.phase === 'exited' && before.exitedAtMs === after.exitedAtMs) return undefined;
    const expected = after.run.stopRequestedAtMs !== undefined;
    return { what: `ended with ${describeExit(after.exit)}`, atMs: after.exitedAtMs, expected };
  }
  if (when === 'found') return isAlive(after) ? unasked('was found running and is taken over') : undefined;
  if (isNewlyReady(before, after)) return { what: 'said that it is ready', expected: true };
  if (when === 'acting') return undefined;
  if (after === undefined) return before === undefined ? undefined : unasked('is gone without a trace');
  if (before === undefined) return unasked('appeared, started by somebody else');
  return after.phase === 'running' ? changeWhileRunning(before, after) : undefined;
};

const isNewlyReady = (before: ContainerStatus | undefined, after: ContainerStatus | undefined): boolean =>
  after?.phase === 'running' &&
  after.run.readyAtMs !== undefined &&
  (before?.phase !== 'running' || before.run.readyAtMs === undefined);

const changeWhileRunning = (
  before: ContainerStatus,
  after: Extract<ContainerStatus, { phase: 'running' }>,
): Change | undefined => {
  if (before.phase !== 'running') return undefined;
  if (after.frozen && !before.frozen) return unasked('was frozen by somebody else');
  if (!after.rootIntact && before.rootIntact) return unasked('lost a directory of its root file system');
  return undefined;
};

const changeOfThing = (ref: Ref, { before, after }: Look<Status>): Change | undefined => {
  if (isOfKind('volume', ref)) return changeOfVolume(before as VolumeStatus, after as VolumeStatus);
  if (!isOfKind('disk', ref)) return undefined;
  const [was, is] = [before as { active: boolean } | undefined, after as { active: boolean } | undefined];
  return was?.active === true && is?.active !== true ? unasked('was taken off behind our back') : undefined;
};

const changeOfVolume = (before: VolumeStatus | undefined, after: VolumeStatus | undefined): Change | undefined => {
  if (after === undefined) return before === undefined ? undefined : unasked('was unmounted behind our back');
  if (before === undefined) return unasked('was mounted by somebody else');
  if (after.deleted && !before.deleted) return unasked('shows what was deleted');
  return after.identity === before.identity ? undefined : unasked('has something else mounted on it');
};

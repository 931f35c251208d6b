import type { ContainerStatus } from '../../resources/kinds/container.ts';
import { nameOf, type Ref } from '../../resources/ref.ts';
import { isOnTrial } from '../container.ts';
import { type Change, type KindRules, type Look, unasked } from '../kind-rules.ts';
import { describeExit } from '../recovery.ts';
import { isAlive, isStarting } from '../relations.ts';

const named =
  (verb: string) =>
  ({ ref }: { readonly ref: Ref }): string =>
    `${verb} ${nameOf(ref)}`;

export const containerRules: KindRules<'container'> = {
  dependsOn: ({ dependsOn = [] }) => dependsOn,
  uses: ({ ref, spec, status }, snapshot) => {
    if (isAlive(status)) return status.run.dependsOn ?? [];
    return isStarting(ref, snapshot) ? (spec?.dependsOn ?? []) : [];
  },
  whyNotReady: ({ ref, status }) => (isAlive(status) ? undefined : `container ${nameOf(ref)} does not run yet`),
  // One that ended before the trial began goes on by its own policy.
  fingerprint: ({ definition }) => definition,
  failsTrial: ({ ref, status }, snapshot) => status?.phase !== 'exited' || isOnTrial(ref, status, snapshot),
  change: (look) => changeOf(look),
  actions: {
    'container.install': { step: named('install'), done: 'was installed' },
    'container.start': { step: named('start'), done: 'was started', needsDependencies: true },
    'container.halt': { step: named('halt'), done: 'was asked to stop' },
    'container.kill': { step: named('kill'), done: 'was killed' },
    'container.unfreeze': { step: named('unfreeze'), done: 'was thawed' },
    'container.reset': { step: named('reset'), done: 'was made ready to start again' },
    'container.remove': { step: named('remove'), done: 'was removed' },
  },
};

const changeOf = ({ before, after, when }: Look<ContainerStatus>): Change | undefined => {
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

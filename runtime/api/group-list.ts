/** `GET /groups`. Pure; field order is part of the API. */
import type { GroupSpec } from '../../resources/kinds/group.ts';
import { isOfKind, type Ref } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { backoffText } from './recovery-view.ts';
import type { StatusNames } from './status-timeline.ts';

const recoveryOf = ({ autoRecovery }: GroupSpec) =>
  autoRecovery === undefined || autoRecovery.policy === 'no'
    ? {}
    : {
        auto_recovery: {
          max_retries: autoRecovery.maxRetries,
          stable_timeout: autoRecovery.stableTimeoutSeconds,
          backoff_policy: backoffText(autoRecovery.backoffPolicy),
        },
      };

/** Groups of the running revision, in starting order. */
export const groupList = (snapshot: Snapshot, names: StatusNames): readonly object[] => {
  const refs = (Object.keys(snapshot.desired) as Ref[]).filter((ref) => isOfKind('group', ref)); // keys of Record<Ref, …>
  return refs
    .flatMap((ref) => {
      const { spec } = resourceIn(snapshot, ref);
      return spec === undefined ? [] : [{ ref, spec }];
    })
    .sort((a, b) => a.spec.order - b.spec.order)
    .map(({ ref, spec }) => ({
      name: spec.name,
      status_goal: spec.statusGoal,
      restart_policy: spec.restartPolicy,
      status: names.groupStatusName(ref, snapshot),
      ...recoveryOf(spec),
    }));
};

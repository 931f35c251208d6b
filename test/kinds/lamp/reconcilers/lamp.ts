import { act, CONVERGED, waitFor } from '../resources/plan.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import { usersOf } from './dependencies.ts';

export const reconcileLamp: Reconciler<'lamp'> = ({ ref, spec, status }, snapshot) => {
  if (spec !== undefined)
    return status === undefined ? act({ type: 'lamp.light', ref }, 'it is part of the revision') : CONVERGED;
  if (status === undefined) return CONVERGED;
  const users = usersOf(ref, snapshot);
  return users.length > 0 ? waitFor(users, 'it is still used') : act({ type: 'lamp.quench', ref }, 'nobody wants it');
};

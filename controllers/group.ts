/** Groups exist only in the ledger: when each was opened, and for which revision. */
import { EMPTY } from 'rxjs';
import type { GroupStatus } from '../resources/kinds/group.ts';
import { nameOf } from '../resources/ref.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import type { Ledger } from '../runtime/engine/ledger.ts';
import type { Host } from '../runtime/host/host.ts';

export const groupController = (host: Host, ledger: Ledger, reconcile: Reconciler<'group'>): Controller<'group'> => ({
  kind: 'group',
  reconcile,
  watch: () => EMPTY,
  list: () => ledger.names('group'),
  observe: (name) => ledger.get<GroupStatus>('group', name),
  execute: {
    'group.open': async ({ ref, revision }) => {
      const status: GroupStatus = { revision, openedAtMs: host.clock.nowMs() };
      await ledger.put('group', nameOf(ref), status);
    },
    'group.close': ({ ref }) => ledger.remove('group', nameOf(ref)),
  },
});

/**
 * The decisions: (resource, snapshot, now) -> Plan, one pure function per kind.
 *
 * In: what is wanted and what was observed. Out: the next step for one resource, or why there is none. A reconciler
 * never does anything, never remembers anything, and answers for every combination of spec and status. What a spec
 * depends on is waited for here, for all kinds alike.
 */
import type { Kind } from '../resources/catalog.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import { reconcileContainer } from './container.ts';
import { withDependencies } from './dependencies.ts';
import { reconcileDisk } from './disk.ts';
import { reconcileGroup } from './group.ts';
import { reconcileUpdate } from './update.ts';
import { reconcileVolume } from './volume.ts';

export const reconcilers: { readonly [K in Kind]: Reconciler<K> } = {
  update: reconcileUpdate,
  disk: withDependencies(reconcileDisk),
  volume: withDependencies(reconcileVolume),
  group: withDependencies(reconcileGroup),
  container: withDependencies(reconcileContainer),
};

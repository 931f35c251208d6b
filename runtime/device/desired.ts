/**
 * What the device is to be: the running revision's resources, the newest proposal, and what an operator asked for.
 * Rollback is nothing but another answer of this function.
 */
import type { Spec } from '../../resources/catalog.ts';
import { UPDATE, type UpdateSpec } from '../../resources/kinds/update.ts';
import { isOfKind, type Ref, refOf } from '../../resources/ref.ts';
import type { Intents } from './intent.ts';
import type { Revision } from './revisions.ts';

/** Nothing is wanted, and no update is on: what a device is to be while its daemon ends. */
export const SHUT_DOWN = '(shutting down)';
export const REBOOTING = '(rebooting)';

export const desiredOf = (
  revision: Revision,
  proposal: UpdateSpec | undefined,
  intents: Intents,
): Readonly<Record<Ref, Spec>> => {
  const desired: Record<Ref, Spec> = { ...revision.desired };
  for (const [name, { stopped, generation }] of Object.entries(intents)) {
    const ref = refOf('container', name);
    const spec = desired[ref] as Spec<'container'> | undefined; // `container/…` holds nothing else
    if (spec !== undefined) desired[ref] = { ...spec, stopped, generation };
  }
  if (proposal !== undefined) desired[UPDATE] = proposal;
  return desired;
};

/** Only containers with role mgmt, and what they need: enough to reach the device and mend it. */
export const safeModeOf = (desired: Readonly<Record<Ref, Spec>>): Readonly<Record<Ref, Spec>> => {
  const isKept = (ref: Ref<'container'>): boolean =>
    (desired[ref] as Spec<'container'> | undefined)?.roles.includes('mgmt') ?? false; // `container/…` holds nothing else
  const entries = (Object.entries(desired) as [Ref, Spec][]).filter(([ref, spec]) => {
    if (isOfKind('container', ref)) return isKept(ref);
    return isOfKind('volume', ref) ? isKept((spec as Spec<'volume'>).owner) : true;
  });
  return Object.fromEntries(
    entries.map(([ref, spec]) => {
      if (!isOfKind('group', ref)) return [ref, spec];
      const group = spec as Spec<'group'>;
      return [ref, { ...group, revision: `${group.revision} (safe mode)`, members: group.members.filter(isKept) }];
    }),
  );
};

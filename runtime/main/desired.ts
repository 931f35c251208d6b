/**
 * What the device is to be: the running revision's resources, the newest proposal, and what an operator asked for.
 * Rollback is nothing but another answer of this function.
 */
import type { Spec } from '../../resources/catalog.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/update.ts';
import type { Intents } from './intent.ts';
import type { Revision } from './revisions.ts';

/** Which revision's resources the device is to have. */
export const effectiveRevision = ({ committed, trial }: UpdateStatus): string =>
  trial === undefined || trial.interrupted ? committed.revision : trial.revision;

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

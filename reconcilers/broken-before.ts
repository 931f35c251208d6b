/** What was broken when a trial began, as the update's status remembers it. */
import { type BrokenBefore, UPDATE } from '../resources/kinds/update.ts';
import type { Ref } from '../resources/ref.ts';
import { resourceIn, type Snapshot } from '../resources/snapshot.ts';

export const brokenBefore = (snapshot: Snapshot): BrokenBefore =>
  resourceIn(snapshot, UPDATE).status?.brokenBefore ?? {};

/** @param fingerprint of what is wanted of it now; undefined: nothing */
export const wasBrokenAs = (ref: Ref, fingerprint: string | undefined, snapshot: Snapshot): boolean =>
  fingerprint !== undefined && brokenBefore(snapshot)[ref] === fingerprint;

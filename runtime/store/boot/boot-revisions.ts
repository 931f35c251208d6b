/** The boot variables as revisions: what is no revision is reported and never becomes a path. */

import { isRevision } from '../trails/revision.ts';
import type { Bootloader } from './bootloader.ts';

export interface BootRevisions {
  /** `pv_rev`, or the factory revision. */
  readonly committed: string;
  /** `pv_try`, while it is set. */
  readonly trying?: string;
  /** `pv_trying` says that the one try of `pv_try` has begun. */
  readonly spent?: true;
}

export const bootRevisions = async (
  bootloader: Bootloader,
  onProblem: (subject: string, message: string) => void,
): Promise<BootRevisions> => {
  const checked = (name: string, value: string | undefined): string | undefined => {
    if (value === undefined || isRevision(value)) return value;
    onProblem(name, `expected a revision, but saw ${JSON.stringify(value)}; ignored`);
    return undefined;
  };
  const values = await bootloader.read();
  const committed = checked('pv_rev', values?.pv_rev) ?? '0';
  const trying = checked('pv_try', values?.pv_try);
  if (trying === undefined) return { committed };
  return values?.pv_trying === trying ? { committed, trying, spent: true } : { committed, trying };
};

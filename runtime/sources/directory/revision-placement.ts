/** Which revision a drop becomes, and whether there is anything to do for it. */

import { failedBefore } from '../../../resources/kinds/update.ts';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import type { Store } from '../../store/store.ts';
import { LOCAL_NAME_LENGTH, localRevision } from '../../store/trails/revision.ts';
import type { State } from './examine-drop.ts';
import type { ProgressReport } from './status-file.ts';

export interface Placement {
  readonly revision: string;
  /**
   * `new`: to be written to the store and proposed. `again`: committed, while something else is on trial.
   * `current`: committed, or on trial. `failed`: this very content failed before and is not tried again by itself.
   */
  readonly action: 'new' | 'again' | 'current' | 'failed';
  /** What there is to say about it until somebody reports more. */
  readonly report: ProgressReport;
}

const READY: ProgressReport = { progress: progressOf('NEW', MESSAGE.readyToRun) };

/** A name of its own for other content of a revision that a rollback may need: `web` becomes `web-1a2b3c4d`. */
export const distinctName = (name: string, hash: string): string =>
  `${name.slice(0, LOCAL_NAME_LENGTH - 9)}-${hash.slice(0, 8)}`;

export const placementOf = async (name: string, { hash }: State, store: Store): Promise<Placement> => {
  const [plain, distinct] = [localRevision(name), localRevision(distinctName(name, hash))];
  const { committed, trying } = await store.bootVariables();
  const same =
    (await store.hash(plain)) === hash ? plain : (await store.hash(distinct)) === hash ? distinct : undefined;
  const progress = same === undefined ? undefined : await store.progress(same);
  const failure = failedBefore({ hash }, Object.values(await store.failures()));
  // A trial that is just being rolled back has its reason already.
  const report = progress === undefined ? READY : { progress, ...(failure && { reason: failure.detail }) };
  if (same !== undefined && same === trying) return { revision: same, action: 'current', report };
  if (same !== undefined && same === committed)
    return { revision: same, action: trying === undefined ? 'current' : 'again', report };

  const isInUse = plain === committed || plain === trying;
  const revision = same ?? (isInUse ? distinct : plain);
  if (failure === undefined) return { revision, action: 'new', report: READY };
  const { status, message, detail } = failure;
  return { revision, action: 'failed', report: { progress: progressOf(status, message), reason: detail } };
};

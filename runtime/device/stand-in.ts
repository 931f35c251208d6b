/**
 * What runs in place of a committed revision whose document is damaged: the revision that was committed before it, else
 * the factory revision. The order is that of the storage's evidence; the first one that is whole is taken.
 *
 * It is looked for once per start: a daemon that has read its committed revision goes on with it, whatever becomes of
 * the file, and a document that is put right is used at the next look.
 */
import type { UpdateStatus } from '../../resources/kinds/update.ts';
import { isDamage } from '../host/damage.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import type { TrailContent } from '../store/trails/trail.ts';
import type { Soundness } from './integrity.ts';
import type { Revisions } from './revisions.ts';
import { unreadableFinder } from './unreadable.ts';

export interface StandInOptions {
  readonly store: Pick<Store, 'committedBefore' | 'heal'>;
  /** @throws Rejection, DeviceError */
  readonly load: (revision: string) => Promise<{ readonly content: TrailContent }>;
  /** Why its objects must not be run; undefined: they may. */
  readonly whyDamaged: (revision: string) => Promise<string | undefined>;
  readonly onProblem: (subject: string, message: string) => void;
}

export type StandIn = NonNullable<UpdateStatus['standIn']>;

const FACTORY = '0';

export const standInFinder = ({ store, load, whyDamaged, onProblem }: StandInOptions) => {
  let found: { readonly committed: string; readonly standIn: Promise<StandIn | undefined> } | undefined;

  const whyUnusable = async (revision: string): Promise<string | undefined> => {
    try {
      const { content } = await load(revision);
      if (!content.files.some(({ path }) => path.endsWith('/run.json'))) return 'it has no containers';
      const damage = await whyDamaged(revision);
      if (damage !== undefined) return damage;
      // It may never have been run, and then nothing of it is in its place.
      await store.heal(revision, content);
      return undefined;
    } catch (error) {
      if (error instanceof Rejection || isDamage(error)) return error.message;
      throw error;
    }
  };

  const find = async (committed: string, reason: string): Promise<StandIn | undefined> => {
    const earlier = (await store.committedBefore()).filter((revision) => ![committed, FACTORY].includes(revision));
    for (const revision of committed === FACTORY ? earlier : [...earlier, FACTORY]) {
      const problem = await whyUnusable(revision);
      if (problem === undefined) {
        onProblem(`revision ${committed}`, `cannot be used (${reason}); ${revision} runs in its place`);
        return { revision, reason };
      }
      onProblem(`revision ${revision}`, `cannot take the place of ${committed}: ${problem}`);
    }
    onProblem(`revision ${committed}`, `cannot be used (${reason}), and nothing on this storage can take its place`);
    return undefined;
  };

  return (committed: string, reason: string): Promise<StandIn | undefined> => {
    if (found?.committed !== committed) {
      const standIn = find(committed, reason);
      const entry = { committed, standIn };
      found = entry;
      standIn.catch(() => {
        if (found === entry) found = undefined;
      });
    }
    return found.standIn;
  };
};

/** What the controller of updates asks when a document is damaged. */
export const damagedDocuments = ({
  store,
  revisions,
  soundness,
  onProblem,
}: Pick<StandInOptions, 'store' | 'onProblem'> & {
  readonly revisions: Revisions;
  readonly soundness: Soundness | undefined;
}) => {
  const { load, loaded } = revisions;
  const whyDamaged = async (revision: string): Promise<string | undefined> =>
    soundness?.whyUnsound(await load(revision), new AbortController().signal);
  return {
    whyUnreadable: unreadableFinder(load),
    isLoaded: (revision: string): boolean => loaded(revision) !== undefined,
    standIn: standInFinder({ store, load, whyDamaged, onProblem }),
  };
};

/** Why a revision's document cannot be used: told once it is sure, because a device that hesitates is not damaged. */
import { isDamage, isStructural } from '../host/damage.ts';
import { Rejection } from '../store/rejection.ts';

/** Looks that are refused in a row without a reason that lasts. */
const PATIENCE = 3;

export const unreadableFinder = (load: (revision: string) => Promise<unknown>) => {
  const refusals = new Map<string, number>();
  /** undefined: it can be used. @throws DeviceError while it is not sure. */
  return async (revision: string): Promise<string | undefined> => {
    try {
      await load(revision);
      refusals.delete(revision);
      return undefined;
    } catch (error) {
      if (error instanceof Rejection) return error.message;
      if (!isDamage(error)) throw error;
      const count = (refusals.get(revision) ?? 0) + 1;
      refusals.set(revision, count);
      if (!isStructural(error) && count < PATIENCE) throw error;
      return error.message;
    }
  };
};

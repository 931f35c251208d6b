/**
 * Boot variables that are lost or damaged: what was last known takes their place, else what the storage itself shows.
 * A device whose variables are gone must not take itself for a new one, run nothing and collect everything.
 */
import { isDamage, isStructural, patiently } from '../../host/damage.ts';
import { isRevision } from '../trails/revision.ts';
import type { Bootloader, BootValues } from './bootloader.ts';

export interface SteadyOptions {
  readonly bootloader: Bootloader;
  /** The revision that the storage itself shows to be committed; undefined: nothing does. */
  readonly evidence: () => Promise<string | undefined>;
  /** Such a revision is on this storage. */
  readonly isPresent: (revision: string) => Promise<boolean>;
  /** `pv_rev` had to be taken from the evidence. Called before it is written. */
  readonly onRecovered: (revision: string, reason: string) => Promise<void>;
  readonly onProblem: (subject: string, message: string) => void;
}

const SUBJECT = 'boot variables';

type Found =
  | { readonly is: 'sound'; readonly values: BootValues }
  /** `isLasting`: there is nothing to be lost by writing them anew. */
  | { readonly is: 'damaged'; readonly values: BootValues; readonly reason: string; readonly isLasting: boolean };

export const steadyBootloader = (options: SteadyOptions): Bootloader => {
  const { bootloader, evidence, isPresent, onRecovered, onProblem } = options;
  let known: BootValues | undefined;
  let reported: string | undefined;

  const whyWrong = async (values: BootValues | undefined): Promise<string | undefined> => {
    if (values?.pv_rev === undefined) return 'pv_rev is missing';
    if (values.pv_rev === known?.pv_rev) return undefined;
    if (!isRevision(values.pv_rev)) return `pv_rev is ${JSON.stringify(values.pv_rev)}, which is no revision`;
    return (await isPresent(values.pv_rev)) ? undefined : `pv_rev is ${values.pv_rev}, which is not on this storage`;
  };

  const look = async (): Promise<Found> => {
    try {
      const values = await patiently(() => bootloader.read());
      const reason = await whyWrong(values);
      if (reason === undefined) return { is: 'sound', values: values ?? {} };
      return { is: 'damaged', values: values ?? {}, reason, isLasting: true };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { is: 'damaged', values: {}, reason: error.message, isLasting: isStructural(error) };
    }
  };

  const report = (message: string): void => {
    if (message !== reported) onProblem(SUBJECT, message);
    reported = message;
  };

  /** A device that takes no writes runs on with what is known. */
  const restore = async (values: BootValues): Promise<void> => {
    try {
      await (bootloader.replace ?? bootloader.write)(values);
    } catch (error) {
      if (!isDamage(error)) throw error;
      report(`cannot be written: ${error.message}`);
    }
  };

  const recovered = async ({
    values,
    reason,
    isLasting,
  }: Found & { is: 'damaged' }): Promise<BootValues | undefined> => {
    if (known !== undefined) {
      report(`${reason}; this daemon knows that ${known.pv_rev} is committed`);
      if (isLasting) await restore(known);
      return known;
    }
    const revision = await evidence();
    if (revision === undefined) return undefined;
    report(`${reason}; the storage shows that ${revision} was committed last`);
    const next = { ...values, pv_rev: revision };
    await onRecovered(revision, reason);
    if (isLasting) await restore(next);
    known = next;
    return next;
  };

  const read = async (): Promise<BootValues | undefined> => {
    const found = await look();
    if (found.is === 'damaged') return (await recovered(found)) ?? (found.isLasting ? found.values : undefined);
    known = found.values;
    reported = undefined;
    return known;
  };

  return {
    read,
    write: async (changes) => {
      try {
        await bootloader.write(changes);
      } catch (error) {
        const { replace } = bootloader;
        // What cannot be read cannot be changed either; what was in it is known.
        if (!isDamage(error) || known === undefined || replace === undefined) throw error;
        if ((await look()).is === 'sound') throw error;
        await replace({ ...known, ...changes });
      }
      const merged = Object.entries({ ...known, ...changes }).filter(([, value]) => value !== '');
      known = Object.fromEntries(merged);
    },
  };
};

/**
 * Which revisions were committed, as the trails themselves tell: each that became `DONE` and did not fail since. For a
 * device that lost its boot variables, or whose committed revision cannot be read.
 */
import { unlessDamaged } from '../../host/damage.ts';
import type { Files } from '../../host/host.ts';
import type { Records } from './trail-records.ts';

export interface EvidenceOptions {
  readonly files: Files;
  readonly trails: string;
  readonly records: Records;
  readonly revisions: () => Promise<readonly string[]>;
  readonly onProblem: (subject: string, message: string) => void;
}

/** What could be read of it; undefined: damaged, which says nothing for or against it. */
type Facts = readonly [isDone: boolean | undefined, status: string | undefined, hasFailed: boolean | undefined];

const wasCommitted = ([isDone, status, hasFailed]: Facts): boolean =>
  hasFailed !== true && (status === undefined ? isDone === true : status === 'DONE');

/** The one that the device ran last comes first, then the newest. */
export const committedByEvidence = async (options: EvidenceOptions): Promise<readonly string[]> => {
  const { files, trails, records, revisions, onProblem } = options;
  const quietly = <T>(path: string, work: () => Promise<T>): Promise<T | undefined> =>
    unlessDamaged(path, onProblem, work);
  const statOf = (path: string) => quietly(path, () => files.stat(path));
  const current = await statOf(`${trails}/current/.pvr/json`);

  const found: { readonly revision: string; readonly atMs: number }[] = [];
  for (const revision of await revisions()) {
    const trail = `${trails}/${revision}`;
    const document = await statOf(`${trail}/.pvr/json`);
    if (document?.type !== 'file') continue;
    const facts: Facts = [
      await quietly(`${trail}/.pv/done`, () => records.isDone(trail)),
      (await records.progress(trail))?.status,
      (await records.failure(trail)) !== undefined,
    ];
    if (!wasCommitted(facts)) continue;
    const isCurrent = current?.inode === document.inode && current.device === document.device;
    const times = [await statOf(`${trail}/.pv/progress`), await statOf(`${trail}/.pv/done`)];
    const atMs = Math.max(...times.map((stat) => stat?.modifiedMs ?? 0));
    found.push({ revision, atMs: isCurrent ? Number.POSITIVE_INFINITY : atMs });
  }
  return found.sort((a, b) => b.atMs - a.atMs || (a.revision < b.revision ? 1 : -1)).map(({ revision }) => revision);
};

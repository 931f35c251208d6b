/**
 * Keeping the storage usable: how much room there is, making some, and who must stay when garbage is collected.
 * One collection at a time; whoever asks for room waits for it.
 */
import type { Progress } from '../../../resources/progress.ts';
import { inTurn } from '../../engine/in-turn.ts';
import { type Clock, DeviceError, type Files } from '../../host/host.ts';
import type { BootRevisions } from '../boot/boot-revisions.ts';
import { failuresOf, type Records } from '../trails/trail-records.ts';
import { collectGarbage, type GarbageOptions, type GarbageRequest, GONE } from './garbage.ts';
import { type Room, roomOf } from './room.ts';

export interface StorageLimits {
  /** `PV_STORAGE_GC_RESERVED`. */
  readonly reservedPercent: number;
  /** `PV_STORAGE_GC_KEEP_FACTORY`. */
  readonly keepFactory: boolean;
  /** `PV_STORAGE_GC_PENDING_DEFERTIME`: so long a revision that did not run yet stays. */
  readonly pendingSeconds: number;
}

export const STORAGE_LIMITS: StorageLimits = { reservedPercent: 5, keepFactory: false, pendingSeconds: 600 };

export interface CollectRequest extends GarbageRequest {
  /** Revisions that stay beyond the keep list. */
  readonly keep?: Iterable<string>;
}

export interface Housekeeping {
  space(): Promise<Room>;
  /** Collects garbage if there is not enough room for objects of so many bytes. @returns what there is then. */
  makeRoom(requiredBytes: number): Promise<Room>;
  /** @returns bytes that were freed. @throws DeviceError (IN_DOUBT: nothing was removed), and the signal's reason. */
  collect(request?: CollectRequest): Promise<number>;
  /** Nobody may remove a revision's trail while it is worked on. */
  onTrail<T>(work: () => Promise<T>): Promise<T>;
  /** It is wanted, whatever the wall clock says of its age. */
  proposed(revision: string): void;
}

/** As the code of a DeviceError: nothing was removed, because it cannot be told what is needed. */
export const IN_DOUBT = 'IN_DOUBT';

type Collecting = Omit<GarbageOptions, 'isKept' | 'retire' | 'wallMs'>;

export interface HousekeepingOptions extends Collecting {
  readonly files: Files;
  readonly clock: Clock;
  readonly records: Records;
  /** Why it cannot be told which revisions are needed; undefined: it can. */
  readonly doubt: () => Promise<string | undefined>;
  /** Asked whenever they count. */
  readonly limits: () => StorageLimits;
  readonly bootVariables: () => Promise<BootRevisions>;
  readonly trailOf: (revision: string) => string;
  /** Revisions that somebody is about to run. */
  readonly wanted: () => Iterable<string>;
}

/** What is not begun yet, or was begun and not told how it ended. */
const PENDING: readonly Progress['status'][] = ['NEW', 'QUEUED', 'DOWNLOADING'];
/** Records of failures outlive their trails, the newest of them: why a device rolled back is worth a few hundred bytes. */
const REMEMBERED_FAILURES = 32;
const RECORDS = ['failure', 'progress'];

export const housekeeping = (options: HousekeepingOptions): Housekeeping => {
  const { files, clock, paths, records, limits, objects, bootVariables, trailOf, wanted } = options;
  const proposedAtMs = new Map<string, number>();
  const onTrail = inTurn();
  const inTurnCollect = inTurn();

  const isPending = async (revision: string): Promise<boolean> => {
    const pendingMs = limits().pendingSeconds * 1000;
    const atMs = proposedAtMs.get(revision);
    const isFresh = atMs !== undefined && clock.nowMs() - atMs < pendingMs;
    const trail = trailOf(revision);
    const stat = (await files.stat(`${trail}/.pvr/json`)) ?? (await files.stat(trail));
    const isYoung = stat !== undefined && clock.wallTime().getTime() - stat.modifiedMs < pendingMs;
    if (!isFresh && !isYoung) return false;
    const progress = await records.progress(trail);
    if (progress !== undefined && !PENDING.includes(progress.status)) return false;
    return (await records.failure(trail)) === undefined;
  };

  const isKept = async (revision: string, keep: ReadonlySet<string>): Promise<boolean> => {
    const { committed, trying } = await bootVariables();
    if ([committed, trying, ...(limits().keepFactory ? ['0'] : [])].includes(revision)) return true;
    return keep.has(revision) || [...wanted()].includes(revision) || (await isPending(revision));
  };

  const space = async (): Promise<Room> =>
    roomOf(await files.space(`${paths.storage}/objects`), limits().reservedPercent);

  const collect = ({ keep = [], ...request }: CollectRequest = {}): Promise<number> =>
    inTurnCollect(async () => {
      const reason = await options.doubt();
      if (reason !== undefined) throw new DeviceError('collect', 'garbage', IN_DOUBT, `nothing is removed: ${reason}`);
      const kept = new Set(keep);
      const remembered = await newestFailures(options);
      const garbage: GarbageOptions = {
        ...options,
        wallMs: () => clock.wallTime().getTime(),
        isKept: (revision) => isKept(revision, kept),
        retire: (revision) =>
          onTrail(async () => {
            if (await isKept(revision, kept)) return false;
            if (remembered.has(revision)) await strip(files, trailOf(revision));
            else await files.rename(trailOf(revision), await freeName(files, `${paths.storage}/trails/${GONE}`));
            return true;
          }),
      };
      return await objects.linking(() => collectGarbage(garbage, request));
    });

  return {
    space,
    collect,
    onTrail,
    makeRoom: async (requiredBytes) => {
      const room = await space();
      if (room.availableBytes >= requiredBytes) return room;
      try {
        await collect();
      } catch (error) {
        if (!(error instanceof DeviceError) || error.code !== IN_DOUBT) throw error;
        options.onProblem('storage', error.message);
      }
      return await space();
    },
    proposed: (revision) => void proposedAtMs.set(revision, clock.nowMs()),
  };
};

const newestFailures = async ({ revisions, records, trailOf }: HousekeepingOptions): Promise<ReadonlySet<string>> => {
  const failures = Object.values(await failuresOf(records, revisions, trailOf));
  const newest = failures.sort((a, b) => (a.time < b.time ? 1 : -1)).slice(0, REMEMBERED_FAILURES);
  return new Set(newest.map(({ revision }) => revision));
};

/** Leaves the records. The document goes first: what is left is no revision that anybody could run. */
const strip = async (files: Files, trail: string): Promise<void> => {
  await files.remove(`${trail}/.pvr`);
  for (const name of (await files.list(trail)) ?? []) if (name !== '.pv') await files.remove(`${trail}/${name}`);
  for (const name of (await files.list(`${trail}/.pv`)) ?? [])
    if (!RECORDS.includes(name)) await files.remove(`${trail}/.pv/${name}`);
};

const freeName = async (files: Files, prefix: string): Promise<string> => {
  for (let number = 0; ; number += 1)
    if ((await files.stat(`${prefix}${number}`)) === undefined) return `${prefix}${number}`;
};

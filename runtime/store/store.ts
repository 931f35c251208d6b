/**
 * Revisions on disk: the only writer of `objects/`, `trails/` and the boot variables.
 *
 * In: state documents (raw bytes, kept as they came), objects (streams), progress and failures of revisions.
 * Out: the same, read back after any crash or power cut: every file is old or new, whole. What two places must agree
 * on has one owner: which revision boots is said by the boot variables alone.
 * Runs over the Files port only, so that the simulated device has the same store. It decides nothing: whether a
 * revision is tried, committed or rolled back is the update reconciler's business, and it never touches a file of
 * `disks/` or of another program's making.
 */
import type { Paths } from '../../resources/paths.ts';
import { MESSAGE, type Progress, progressOf } from '../../resources/progress.ts';
import { STATE_LIMITS } from '../../resources/state-limits.ts';
import type { Failure } from '../../resources/update.ts';
import type { Clock, Files } from '../host/host.ts';
import type { Bootloader } from './bootloader.ts';
import { stateHash } from './hash.ts';
import { makeFactory, makeLayout, makeTrail } from './layout.ts';
import { type ObjectState, openObjects } from './objects.ts';
import { openRecords, type RecordedFailure } from './records.ts';
import { Rejection } from './rejection.ts';
import { isRevision } from './revision.ts';
import { installTrail, type TrailContent } from './trail.ts';
import { ubootBootloader } from './uboot.ts';

export interface StoreOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly paths: Paths;
  /** Default: `boot/uboot.txt`. */
  readonly bootloader?: Bootloader;
  /** Largest state document; default STATE_LIMITS. */
  readonly maxDocumentBytes?: number;
  /** Something on the storage is not as it should be and was worked around. Default: nobody listens. */
  readonly onProblem?: (subject: string, message: string) => void;
}

/** `pv_rev` and, while set, `pv_try`. */
export interface BootVariables {
  readonly committed: string;
  readonly trying?: string;
  /** `pv_trying` says that the one try of `pv_try` was used. */
  readonly spent: boolean;
}

export interface Store {
  bootVariables(): Promise<BootVariables>;
  /**
   * Sets `pv_try`; undefined unsets it. `spent`: its one try has begun, so that whatever boots next is the committed
   * revision; otherwise the next boot is the try.
   */
  setTrying(revision: string | undefined, spent?: boolean): Promise<void>;
  /** `pv_rev` becomes the revision and `pv_try` is unset, in one write. */
  commit(revision: string): Promise<void>;

  /** Hub revisions and `0` in string order, then local ones. */
  revisions(): Promise<readonly string[]>;
  /** The state document as it came; undefined: no such revision. */
  document(revision: string): Promise<Buffer | undefined>;
  /** sha256 of the canonical document; undefined: no such revision. */
  hash(revision: string): Promise<string | undefined>;
  /**
   * Makes or replaces the revision, progress `NEW`; an earlier failure under this name is forgotten.
   * @throws Rejection for a name that is none, and for other content of the committed revision or the one on trial:
   * a rollback must find what it knew.
   */
  propose(revision: string, document: Uint8Array): Promise<void>;
  /**
   * Makes the trail's files those of the document. Idempotent; completes what a crash left.
   * @throws Rejection naming the missing objects or impossible paths, before anything is changed.
   */
  install(revision: string, content: TrailContent): Promise<void>;

  missingObjects(ids: Iterable<string>): Promise<readonly string[]>;
  /** See Objects.put. */
  putObject(id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void>;
  /** Hashes an object; a corrupt one is set aside, reported and missing from then on. */
  verifyObject(id: string): Promise<ObjectState>;
  /** For new objects. */
  space(): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;

  progress(revision: string): Promise<Progress | undefined>;
  setProgress(revision: string, progress: Progress): Promise<void>;
  /** Marks the revision as one that was committed. */
  setDone(revision: string): Promise<void>;
  /** Points `trails/current` and `logs/current` at the running revision. */
  setCurrent(revision: string): Promise<void>;
  /** Remembers over a reboot that a rollback led to it, and why; undefined: forgets it. */
  setRolledBack(reason: string | undefined): Promise<void>;
  rolledBack(): Promise<string | undefined>;
  /** Revisions that failed, by name, as long as their trail exists. */
  failures(): Promise<Readonly<Record<string, RecordedFailure>>>;
  recordFailure(failure: Failure): Promise<void>;
}

const MAX_REASON_BYTES = 64 * 1024;

export const openStore = async (options: StoreOptions): Promise<Store> => {
  const { files, clock, paths, onProblem = () => undefined, maxDocumentBytes = STATE_LIMITS.documentBytes } = options;
  const { bootloader = ubootBootloader(files, `${paths.storage}/boot/uboot.txt`) } = options;
  const trails = `${paths.storage}/trails`;
  const rollback = `${paths.storage}/boot/rollback`;
  const objectsDirectory = `${paths.storage}/objects`;
  const objects = openObjects(files, objectsDirectory, onProblem);
  const records = openRecords(files, onProblem);

  /** @throws Rejection: nothing that is no revision ever becomes a path. */
  const trailOf = (revision: string): string => {
    if (!isRevision(revision))
      throw new Rejection(
        `revision ${JSON.stringify(revision)}: expected 0, a decimal number or locals/<name>, the name of at most 64 letters, digits and . _ + -`,
      );
    return `${trails}/${revision}`;
  };

  const bootRevision = (name: string, value: string | undefined): string | undefined => {
    if (value === undefined || isRevision(value)) return value;
    onProblem(name, `expected a revision, but saw ${JSON.stringify(value)}; ignored`);
    return undefined;
  };

  const bootVariables = async (): Promise<BootVariables> => {
    const values = await bootloader.read();
    const committed = bootRevision('pv_rev', values?.pv_rev) ?? '0';
    const trying = bootRevision('pv_try', values?.pv_try);
    if (trying === undefined) return { committed, spent: false };
    return { committed, trying, spent: values?.pv_trying === trying };
  };

  const document = async (revision: string): Promise<Buffer | undefined> =>
    files.read(`${trailOf(revision)}/.pvr/json`, maxDocumentBytes);

  const revisions = async (): Promise<readonly string[]> => {
    const top = (await files.list(trails)) ?? [];
    const local = ((await files.list(`${trails}/locals`)) ?? []).map((name) => `locals/${name}`);
    return [...top, ...local].filter(isRevision);
  };

  const propose = async (revision: string, bytes: Uint8Array): Promise<void> => {
    const trail = trailOf(revision);
    if (bytes.length > maxDocumentBytes)
      throw new Rejection(`state of ${bytes.length} bytes: expected at most ${maxDocumentBytes}`);
    const isSame = (await document(revision))?.equals(bytes) === true;
    if (!isSame) {
      const { committed, trying } = await bootVariables();
      if (revision === committed || revision === trying)
        throw new Rejection(`revision ${revision} is in use; expected another name for other content`);
      await makeTrail(files, paths, trail);
      await records.setDone(trail, false);
      await files.write(`${trail}/.pvr/json`, bytes, 0o644);
    }
    // After the document: a failure says by its hash which content it was, so a crash in between is harmless.
    await records.setFailure(trail, undefined);
    await records.setProgress(trail, progressOf('NEW', MESSAGE.readyToRun));
  };

  const install = async (revision: string, content: TrailContent): Promise<void> => {
    const trail = trailOf(revision);
    const missing = await objects.missing(content.objects.map(({ id }) => id));
    if (missing.length > 0) throw new Rejection(`missing objects: ${missing.join(', ')}`);
    await makeTrail(files, paths, trail);
    await installTrail(files, { trail, objects: objectsDirectory }, content);
  };

  const failures = async (): Promise<Readonly<Record<string, RecordedFailure>>> => {
    const found: Record<string, RecordedFailure> = {};
    for (const revision of await revisions()) {
      const failure = await records.failure(trailOf(revision));
      if (failure !== undefined) found[revision] = { ...failure, revision };
    }
    return found;
  };

  await makeLayout(files, paths);
  await objects.sweep();
  await makeFactory(files, paths, records, bootloader);

  return {
    bootVariables,
    setTrying: async (revision, spent = false) => {
      if (revision !== undefined) trailOf(revision);
      await bootloader.write({ pv_try: revision ?? '', pv_trying: spent ? (revision ?? '') : '' });
    },
    commit: async (revision) => {
      trailOf(revision);
      await bootloader.write({ pv_rev: revision, pv_try: '', pv_trying: '' });
    },
    revisions,
    document,
    hash: async (revision) => {
      const bytes = await document(revision);
      return bytes === undefined ? undefined : stateHash(bytes);
    },
    propose,
    install,
    missingObjects: objects.missing,
    putObject: objects.put,
    verifyObject: objects.verify,
    space: () => files.space(objectsDirectory),
    progress: async (revision) => records.progress(trailOf(revision)),
    setProgress: async (revision, progress) => records.setProgress(trailOf(revision), progress),
    setDone: async (revision) => records.setDone(trailOf(revision), true),
    setCurrent: async (revision) => {
      trailOf(revision);
      await files.symlink(revision, `${trails}/current`);
      await files.symlink(revision, `${paths.logs}/current`);
    },
    setRolledBack: (reason) => (reason === undefined ? files.remove(rollback) : files.write(rollback, reason, 0o644)),
    rolledBack: async () => (await files.read(rollback, MAX_REASON_BYTES))?.toString(),
    failures,
    recordFailure: async (failure) =>
      records.setFailure(trailOf(failure.revision), { ...failure, time: clock.wallTime().toISOString() }),
  };
};

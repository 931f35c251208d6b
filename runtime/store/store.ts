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

import type { BrokenBefore, Failure } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { MESSAGE, type Progress, progressOf } from '../../resources/progress.ts';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { readSideFile } from '../host/damage.ts';
import { type Clock, DeviceError, type Files } from '../host/host.ts';
import { type BootBackEnd, openBootloader } from './boot/boot-back-end.ts';
import { type BootRevisions, bootRevisions } from './boot/boot-revisions.ts';
import type { Bootloader } from './boot/bootloader.ts';
import { openDoubt } from './boot/doubt.ts';
import { steadyBootloader } from './boot/steady-bootloader.ts';
import { stateHash } from './objects/hash.ts';
import { type Hold, type ObjectState, openObjects } from './objects/objects.ts';
import { addReferences } from './objects/references.ts';
import type { Source } from './objects/verification.ts';
import { openVerified } from './objects/verified-files.ts';
import { Rejection } from './rejection.ts';
import { type Housekeeping, housekeeping, STORAGE_LIMITS, type StorageLimits } from './space/housekeeping.ts';
import { NOTHING_USED, type Uses } from './space/objects-in-use.ts';
import { brokenBeforeFile, brokenBeforeIn } from './trails/broken-before.ts';
import { committedByEvidence } from './trails/committed-evidence.ts';
import { documentChecksum } from './trails/document-checksum.ts';
import { openDocuments } from './trails/documents.ts';
import { installation } from './trails/installation.ts';
import { identityOf, makeFactory, makeLayout, makeTrail } from './trails/layout.ts';
import { isRevision } from './trails/revision.ts';
import type { TrailContent } from './trails/trail.ts';
import { type Failures, failuresOf, openRecords } from './trails/trail-records.ts';
import { trailsBelow } from './trails/trails.ts';

export interface StoreOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly paths: Paths;
  /** For objects, which must not use the emergency reserve; default: `files`. */
  readonly bulkFiles?: Files;
  /** What the device runs on; default: nothing. */
  readonly uses?: () => Promise<Uses>;
  /** Revisions that somebody is about to run; default: none. */
  readonly wanted?: () => Iterable<string>;
  readonly limits?: () => Partial<StorageLimits>;
  /** Where to remember what was verified since the boot; default: nowhere. */
  readonly verified?: { readonly path: string; readonly bootId: string };
  /** One of ours by name, or another that keeps to the port; default: `uboot`. */
  readonly bootloader?: BootBackEnd | Bootloader;
  /** Largest state document; default STATE_LIMITS. */
  readonly maxDocumentBytes?: number;
  /** Of a document; default: here and now. */
  readonly hashOf?: (document: Uint8Array) => Promise<string>;
  /** Something on the storage is not as it should be and was worked around. Default: nobody listens. */
  readonly onProblem?: (subject: string, message: string) => void;
}

export interface Store extends Pick<Housekeeping, 'space' | 'makeRoom' | 'collect'> {
  /** Tells this storage from another one; undefined: it could not be made. */
  readonly identity: string | undefined;
  /** `pv_rev` and, while set, `pv_try`. */
  bootVariables(): Promise<BootRevisions>;
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
  /** What is wrong with a committed revision's document, as it was read; undefined: nothing that its checksum tells. */
  damageOf(revision: string, document: Uint8Array): Promise<string | undefined>;
  /** Another one whenever the document is another; undefined: no such revision. */
  version(revision: string): Promise<string | undefined>;
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
  /** See Objects, as for the three after it. */
  putObject(id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void>;
  takeObject(id: string, path: string): Promise<void>;
  verifyObject(id: string): Promise<ObjectState>;
  holdObjects(): Hold;
  /**
   * Checks every object of a revision, and puts right what any source has.
   * @returns what is wrong all the same, one sentence each. @throws DeviceError, and the signal's reason.
   */
  verify(content: TrailContent, sources: readonly Source[], signal?: AbortSignal): Promise<readonly string[]>;
  /** Puts the files of a trail right that something may run on. @returns paths that were made anew. */
  heal(revision: string, content: TrailContent): Promise<readonly string[]>;

  progress(revision: string): Promise<Progress | undefined>;
  setProgress(revision: string, progress: Progress): Promise<void>;
  /** Marks the revision as one that was committed. */
  setDone(revision: string): Promise<void>;
  /** Points `trails/current` and `logs/current` at the running revision. */
  setCurrent(revision: string): Promise<void>;
  /** Remembers over a reboot that a rollback led to it, and why; undefined: forgets it. */
  setRolledBack(reason: string | undefined): Promise<void>;
  rolledBack(): Promise<string | undefined>;
  /** Revisions that the storage shows to have been committed, the one that ran last first; for when `pv_rev` is no help. */
  committedBefore(): Promise<readonly string[]>;
  /** Remembers over a reboot what was broken when a trial began; nothing: forgets it. */
  setBrokenBefore(broken: BrokenBefore): Promise<void>;
  /** Nothing where it cannot be read: then the trial is judged by everything. */
  brokenBefore(): Promise<BrokenBefore>;
  /** Revisions that failed, by name, as long as their trail exists. */
  failures(): Promise<Failures>;
  recordFailure(failure: Failure): Promise<void>;
  forgetFailure(revision: string): Promise<void>;
}

const MAX_REASON_BYTES = 64 * 1024;

export const openStore = async (options: StoreOptions): Promise<Store> => {
  const { files, clock, paths, onProblem = () => undefined, maxDocumentBytes = STATE_LIMITS.documentBytes } = options;
  const { bootloader: chosen = 'uboot' } = options;
  const trails = `${paths.storage}/trails`;
  const rollback = `${paths.storage}/boot/rollback`;
  const objectsDirectory = `${paths.storage}/objects`;
  const { bulkFiles = files, uses = async () => NOTHING_USED, wanted = () => [] } = options;
  const verified = await openVerified(files, options.verified);
  const objects = openObjects({
    files: bulkFiles,
    directory: objectsDirectory,
    verified,
    isUsed: async (id) => (await uses())(`${objectsDirectory}/${id}`),
    onProblem,
  });
  const records = openRecords(files, onProblem);
  const doubt = openDoubt(files, `${paths.storage}/boot`, onProblem);

  /** @throws Rejection: nothing that is no revision ever becomes a path. */
  const trailOf = (revision: string): string => {
    if (!isRevision(revision))
      throw new Rejection(
        `revision ${JSON.stringify(revision)}: expected 0, a decimal number or locals/<name>, the name of at most 64 letters, digits and . _ + -`,
      );
    return `${trails}/${revision}`;
  };

  const committedBefore = (): Promise<readonly string[]> =>
    committedByEvidence({ files, trails, records, revisions, onProblem });

  const bootloader = steadyBootloader({
    bootloader: typeof chosen === 'string' ? openBootloader(chosen, files, paths.storage) : chosen,
    evidence: async () => (await committedBefore())[0],
    isPresent: async (revision) => (await files.stat(`${trailOf(revision)}/.pvr`)) !== undefined,
    onRecovered: doubt.raise,
    onProblem,
  });
  const bootVariables = (): Promise<BootRevisions> => bootRevisions(bootloader, onProblem);

  const { hashOf = async (bytes) => stateHash(bytes) } = options;
  const checksum = documentChecksum(files, onProblem);
  const documents = openDocuments({ files, maxBytes: maxDocumentBytes, trailOf, checksum, hashOf });
  const document = documents.read;

  const revisions = async (): Promise<readonly string[]> => {
    const top = (await files.list(trails)) ?? [];
    const local = ((await files.list(`${trails}/locals`)) ?? []).map((name) => `locals/${name}`);
    return [...top, ...local].filter(isRevision);
  };

  const keeping = housekeeping({
    doubt: async () => doubt.reason(documents.doubtOf, await bootVariables()),
    files,
    clock,
    paths,
    objects,
    records,
    uses,
    wanted,
    limits: () => ({ ...STORAGE_LIMITS, ...options.limits?.() }),
    bootVariables,
    trailOf,
    revisions,
    document,
    onProblem,
  });

  const propose = async (revision: string, bytes: Uint8Array): Promise<void> => {
    const trail = trailOf(revision);
    if (bytes.length > maxDocumentBytes)
      throw new Rejection(`state of ${bytes.length} bytes: expected at most ${maxDocumentBytes}`);
    keeping.proposed(revision);
    const isSame = (await document(revision))?.equals(bytes) === true;
    const { committed, trying } = await bootVariables();
    if (revision === committed || revision === trying) {
      // Its progress says how it fares.
      if (isSame) return;
      throw new Rejection(`revision ${revision} is in use; expected another name for other content`);
    }
    if (!isSame) {
      await makeTrail(files, paths, trail);
      await records.setDone(trail, false);
      await checksum.forget(trail);
      await files.write(`${trail}/.pvr/json`, bytes, 0o644);
    }
    // After the document: a failure says by its hash which content it was, so a crash in between is harmless.
    await records.setFailure(trail, undefined);
    await records.setProgress(trail, progressOf('NEW', MESSAGE.readyToRun));
    const references = new Set<string>();
    await addReferences(Buffer.from(bytes), references);
    objects.named(references);
  };

  const installing = installation({
    files,
    bulkFiles,
    paths,
    objects,
    verified,
    trails: trailsBelow(trails, revisions, document),
  });

  const failures = (): Promise<Failures> => failuresOf(records, revisions, trailOf);

  await makeLayout(files, paths);
  // What an earlier daemon left half-written may stay where nothing can be removed.
  await objects.sweep().catch((error: unknown) => {
    if (!(error instanceof DeviceError)) throw error;
    onProblem('objects', error.message);
  });
  await makeFactory(files, paths, records, bootloader);

  return {
    identity: await identityOf(files, paths, onProblem),
    bootVariables,
    setTrying: async (revision, spent = false) => {
      if (revision !== undefined) trailOf(revision);
      await bootloader.write({ pv_try: revision ?? '', pv_trying: spent ? (revision ?? '') : '' });
    },
    commit: async (revision) => {
      trailOf(revision);
      await bootloader.write({ pv_rev: revision, pv_try: '', pv_trying: '' });
      await doubt.end();
    },
    revisions,
    document,
    version: documents.version,
    hash: documents.hash,
    propose: (revision, bytes) => keeping.onTrail(() => propose(revision, bytes)),
    install: (revision, content) => keeping.onTrail(() => installing.install(trailOf(revision), content)),
    missingObjects: objects.missing,
    putObject: objects.put,
    takeObject: objects.take,
    verifyObject: objects.verify,
    holdObjects: objects.hold,
    verify: installing.verify,
    heal: async (revision, content) => installing.heal(trailOf(revision), content),
    space: keeping.space,
    makeRoom: keeping.makeRoom,
    collect: keeping.collect,
    progress: async (revision) => records.progress(trailOf(revision)),
    setProgress: async (revision, progress) => records.setProgress(trailOf(revision), progress),
    setDone: async (revision) => {
      const [trail, bytes] = [trailOf(revision), await document(revision)];
      if (bytes !== undefined) await checksum.record(trail, bytes);
      await records.setDone(trail, true);
    },
    damageOf: documents.damageOf,
    setCurrent: async (revision) => {
      trailOf(revision);
      await files.symlink(revision, `${trails}/current`);
      await files.symlink(revision, `${paths.logs}/current`);
    },
    setRolledBack: (reason) => (reason === undefined ? files.remove(rollback) : files.write(rollback, reason, 0o644)),
    rolledBack: async () => (await readSideFile(files, rollback, MAX_REASON_BYTES, onProblem))?.toString(),
    committedBefore,
    ...brokenBeforeIn(files, brokenBeforeFile(paths.storage), onProblem),
    failures,
    forgetFailure: async (revision) => records.setFailure(trailOf(revision), undefined),
    recordFailure: async (failure) =>
      records.setFailure(trailOf(failure.revision), { ...failure, time: clock.wallTime().toISOString() }),
  };
};

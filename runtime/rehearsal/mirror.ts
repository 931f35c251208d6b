/**
 * A simulated device that is what another device is now: its storage, disks, mounts, living containers and records.
 *
 * Files are made as small as they may be: what counts is that they are there. Objects look like images whatever they
 * are, but for LXC configurations, whose text is read. Identities of trees are the simulated kernel's own, so those
 * that containers were started with are translated.
 */

import type { Kind } from '../../resources/catalog.ts';
import type { ContainerStatus, Run } from '../../resources/kinds/container.ts';
import { objectPath, trailPath } from '../../resources/paths.ts';
import type { Ref } from '../../resources/ref.ts';
import type { CompiledState } from '../../resources/state-format/compile.ts';
import { BOOT, LIFELINE, type LifelineEntry, REBOOT, TRIAL, type TrialEntry } from '../device/boot.ts';
import { type Ledger, openLedger } from '../engine/ledger.ts';
import type { Files } from '../host/host.ts';
import { imageOf } from '../host/simulated/inode.ts';
import { type SimulatedDisk, simulatedStorage } from '../host/simulated/persistent-storage.ts';
import { type SimulatedHost, simulatedHost } from '../host/simulated/simulated.ts';
import { ubootBootloader } from '../store/boot/uboot.ts';
import { brokenBeforeFile, brokenBeforeIn } from '../store/trails/broken-before.ts';
import { installTrail } from '../store/trails/trail.ts';
import { openRecords } from '../store/trails/trail-records.ts';
import { readHere } from '../threads/state-reader.ts';
import { disksInUse, mirrorDisks } from './mirror-disks.ts';
import { mirrorVolumes } from './mirror-volumes.ts';
import { type Present, type StoredRevision, statusesOf } from './present.ts';
import type { Scene } from './rehearsal.ts';

/** Sizes are not rehearsed: whether objects fit is reckoned, and nothing else of a device grows. */
const STORAGE_BYTES = 2 ** 50;
/** Any mount that was not the one a container was started with. */
const ANOTHER_TREE = 'another tree';

/** Of the daemon that is rehearsed, and thereby of the one that began the trial, if one is on. */
export const SESSION = 'rehearsal';

/** A device without anything on it yet, at the present's time. */
export const blankDevice = ({ present, knowledge }: Scene): SimulatedHost => {
  const { paths, zram, swap } = present.settings;
  const disks = Object.fromEntries(
    [...knowledge.disks, ...disksInUse(present)]
      .filter(([path]) => path.startsWith('/dev/'))
      .map(([path, contents]): [string, SimulatedDisk] => [path, contents === 'blank' ? {} : { contents }]),
  );
  return simulatedHost({
    storage: simulatedStorage({ sizeBytes: STORAGE_BYTES, disks }),
    storageAt: paths.storage,
    lxcPath: paths.lxc,
    boot: { uptimeMs: present.nowMs, wallTime: new Date(0) },
    zram,
    swap,
    // Whoever is started is ready: that its containers work is what a rehearsal takes for granted.
    behaviour: () => ({ readyAfterMs: 0 }),
    bases: [paths.storage, paths.volumes, paths.run],
  });
};

/** A device that is being made what the present is. */
interface Mirroring {
  readonly host: SimulatedHost;
  readonly ledger: Ledger;
  readonly scene: Scene;
  /** Identities of trees that were mounted so far, by volume. */
  readonly identities: Map<Ref<'volume'>, string>;
}

/** How the resources of each kind are made on the simulated device, in this order: containers use volumes, volumes disks. */
const MIRRORS: { readonly [K in Kind]: (mirroring: Mirroring) => Promise<void> } = {
  disk: ({ host, ledger, scene }) => mirrorDisks(host, ledger, scene),
  volume: ({ host, scene, identities }) => mirrorVolumes(host, scene.present, identities),
  group: async ({ ledger, scene }) => {
    for (const [name, status] of statusesOf('group', scene.present)) await ledger.put('group', name, status);
  },
  container: async ({ host, ledger, scene: { present }, identities }) => {
    for (const [name, intent] of present.intents) await ledger.put('intent', name, intent);
    await Promise.all(
      statusesOf('container', present).map(([name, status]) =>
        mirrorContainer(host, ledger, name, translated(status, present, identities)),
      ),
    );
  },
  update: ({ ledger, scene }) => mirrorUpdate(ledger, scene.present),
};

/** Makes the device what the present is. Takes simulated time, so it has to be driven. */
export const mirrorPresent = async (host: SimulatedHost, scene: Scene): Promise<void> => {
  const { present } = scene;
  await placeObjects(host.files, scene);
  await placeRevisions(host.files, present);
  const ledger = await openLedger(host.files, `${present.settings.paths.run}/ledger`, host.bootId);
  const mirroring: Mirroring = { host, ledger, scene, identities: new Map() };
  for (const mirror of Object.values(MIRRORS)) await mirror(mirroring);
};

const mirrorUpdate = async (ledger: Ledger, { trial, booted, rebooting, lifeline }: Present): Promise<void> => {
  if (booted) await ledger.put('update', BOOT, { atMs: 0 });
  if (rebooting !== undefined) await ledger.put('update', REBOOT, { reason: rebooting });
  if (lifeline !== undefined) await ledger.put<LifelineEntry>('update', LIFELINE, lifeline);
  if (trial?.entry === undefined) return;
  await ledger.put<TrialEntry>('update', TRIAL, { session: SESSION, revision: trial.revision, ...trial.entry });
};

const revisionsOf = ({ committed, trial, proposal }: Present) =>
  [committed, trial, proposal].filter((stored) => stored !== undefined);

/** All that any of the revisions name, also what is still to come: an update waits until its objects are there. */
const placeObjects = async (files: Files, { present, knowledge, proposal }: Scene): Promise<void> => {
  const { paths } = present.settings;
  await files.makeDirectory(`${paths.storage}/objects`, 0o755);
  const documents = [...revisionsOf(present), ...(proposal === undefined ? [] : [proposal])];
  const ids = new Set(documents.flatMap(({ document }) => [...idsIn(document)]));
  const filesystems = new Map(documents.flatMap((stored) => imagesOf(readAs(stored, present))));
  for (const id of ids) {
    const image = imageOf(filesystems.get(id) ?? 'squashfs', id);
    await files.write(objectPath(paths, id), knowledge.texts.get(id) ?? image, 0o644);
  }
};

const readAs = ({ revision, document }: StoredRevision, { settings }: Present): CompiledState | undefined => {
  const read = readHere(document, { ...settings, revision });
  return read.ok ? read.state : undefined;
};

/** Objects that are mounted, with their file systems. */
const imagesOf = (state: CompiledState | undefined): (readonly [id: string, filesystem: string])[] =>
  Object.values(state?.resources ?? {}).flatMap((spec) => {
    if (!('target' in spec) || spec.source.type !== 'image') return [];
    const { image, filesystem } = spec.source;
    return [[image.slice(image.lastIndexOf('/') + 1), filesystem] as const];
  });

/** Of an unreadable document too: what looks like an object's id is one. */
const idsIn = (document: Uint8Array): ReadonlySet<string> =>
  new Set(
    Buffer.from(document)
      .toString('latin1')
      .match(/(?<=")[0-9a-f]{64}(?=")/g),
  );

const placeRevisions = async (files: Files, present: Present): Promise<void> => {
  const { settings, committed, trial, failures } = present;
  const { paths } = settings;
  const records = openRecords(files, () => {});
  for (const stored of revisionsOf(present)) {
    const { revision, document } = stored;
    const trail = trailPath(paths, revision);
    await files.makeDirectory(`${trail}/.pvr`, 0o755);
    await files.write(`${trail}/.pvr/json`, document, 0o644);
    const state = readAs(stored, present);
    if (state !== undefined) await installTrail(files, { trail, objects: `${paths.storage}/objects` }, state);
  }
  for (const failure of failures) {
    await records.setFailure(trailPath(paths, failure.revision), { ...failure, time: new Date(0).toISOString() });
  }
  await files.makeDirectory(`${paths.storage}/boot`, 0o755);
  await brokenBeforeIn(files, brokenBeforeFile(paths.storage), () => {}).setBrokenBefore(present.brokenBefore ?? {});
  const bootloader = ubootBootloader(files, `${paths.storage}/boot/uboot.txt`);
  const trying = trial?.revision ?? '';
  await bootloader.write({ pv_rev: committed.revision, pv_try: trying, pv_trying: trial?.spent ? trying : '' });
};

/** The status with the identities of the simulated kernel in place of the other one's. */
const translated = (
  status: ContainerStatus,
  { observed }: Present,
  identities: ReadonlyMap<Ref<'volume'>, string>,
): ContainerStatus => {
  if (status.phase === 'installed') return status;
  const volumes: Run['volumes'] = Object.fromEntries(
    Object.entries(status.run.volumes).map(([ref, identity]) => {
      const volume = ref as Ref<'volume'>; // keys of Run.volumes
      const mounted = observed[volume];
      const isSame = mounted !== undefined && 'identity' in mounted && mounted.identity === identity;
      return [volume, isSame ? (identities.get(volume) ?? ANOTHER_TREE) : ANOTHER_TREE];
    }),
  );
  const { initPid: _, ...run } = status.run;
  return { ...status, run: { ...run, volumes } };
};

const mirrorContainer = async (
  host: SimulatedHost,
  ledger: Ledger,
  name: string,
  status: ContainerStatus,
): Promise<void> => {
  const { definition, generation, revision, rank, retries } = status;
  const entry = { definition, generation, revision, rank, retries };
  if (status.phase === 'installed') {
    await ledger.put('container', name, entry);
    return;
  }
  const { run } = status;
  if (status.phase === 'exited') {
    await ledger.put('container', name, { ...entry, run, end: { exit: status.exit, atMs: status.exitedAtMs } });
    return;
  }
  await host.containers.configure(name, '');
  const initPid = await host.containers.start(name);
  // A container that no ledger knew has no definition; it is none of ours here either.
  const uppers = status.phase === 'running' && !status.rootIntact ? [{ path: '/gone/upper', inode: 0 }] : [];
  if (definition !== '') await ledger.put('container', name, { ...entry, run: { ...run, initPid }, uppers });
  if (status.phase === 'running' && status.frozen) host.mischief.freeze(name);
  if (run.stopRequestedAtMs !== undefined) await host.containers.halt(name);
};

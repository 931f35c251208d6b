/** What the Hub client is given of one device: its store, its metadata, its configuration. */
import { UPDATE } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { isFinal, MESSAGE, type Progress, progressOf } from '../../resources/progress.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { Host } from '../host/host.ts';
import { loadCredentials, type ServerAddress, showChallenge, showHints } from '../sources/hub/credentials.ts';
import type { HubPort } from '../sources/hub/hub-port.ts';
import type { Recalled, Step, Verdict } from '../sources/hub/hub-state.ts';
import type { ProposalPort } from '../sources/source.ts';
import { stateHash } from '../store/objects/hash.ts';
import type { Hold } from '../store/objects/objects.ts';
import type { PartialUploads } from '../store/objects/partial-uploads.ts';
import type { Ports } from './control-ports.ts';
import type { Device } from './device.ts';

export interface HubPortOptions {
  readonly device: Device;
  readonly host: Host;
  readonly paths: Paths;
  readonly live: LiveConfig;
  readonly ports: Pick<Ports, 'deviceMeta' | 'hubMetadata'>;
  readonly proposals: ProposalPort;
  readonly uploads: PartialUploads;
  /** One after the other: a file that came last says what counts. @throws DeviceError */
  readonly saveCredentials: HubPort['saveCredentials'];
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

const SUBJECT = 'hub';
const SECOND_MS = 1000;

export const placesOfHub = ({ storage, run }: Paths) => ({ directory: `${storage}/config`, run });

export const serverOf = ({ values }: LiveConfig): ServerAddress => ({
  type: values.PH_CREDS_TYPE,
  host: values.PH_CREDS_HOST,
  port: values.PH_CREDS_PORT,
  proxyHost: values.PH_CREDS_PROXY_HOST === '' ? undefined : values.PH_CREDS_PROXY_HOST,
  proxyPort: values.PH_CREDS_PROXY_PORT,
  noProxyConnect: values.PH_CREDS_PROXY_NOPROXYCONNECT,
});

/** The Hub has no word for a revision that made place for another: nothing more will come of it. */
export const progressForHub = (progress: Progress): Progress =>
  progress.status === 'CANCELLED' ? { ...progress, status: 'WONTGO' } : progress;

export const hubPortOf = (options: HubPortOptions): HubPort => {
  const { device, host, paths, live, ports, proposals, onProblem, onBug } = options;
  const { store, loop } = device;
  const places = placesOfHub(paths);
  let hold: Hold | undefined;
  const update = () => resourceIn(loop.latest(), UPDATE).status;
  const problem = (message: string): void => onProblem(SUBJECT, message);

  return {
    clock: host.clock,
    random: Math.random,
    uploads: options.uploads,
    settings: () => settingsOf(live),
    mayBegin: () => {
      const status = update();
      return status !== undefined && status.trial === undefined && status.rebooting === undefined;
    },
    recall: (step) => recall(step, device, proposals),
    judge: async ({ revision, document }, progress) => {
      const bytes = Buffer.from(document);
      const verdict = await judge(revision, bytes, device, problem);
      if (verdict.is === 'rejected') return verdict;
      await store.propose(revision, bytes);
      await store.setProgress(revision, progress);
      hold?.release();
      hold = store.holdObjects();
      hold.add(verdict.objects);
      return { is: 'accepted', missing: await store.missingObjects(new Set(verdict.objects)) };
    },
    makeRoom: async (bytes) => (await store.makeRoom(bytes)).availableBytes,
    propose: async ({ revision, document }, from) => {
      // It may have been collected while its objects were fetched for hours.
      if ((await store.hash(revision)) === undefined) await store.propose(revision, Buffer.from(document));
      const hash = (await store.hash(revision)) ?? '';
      const outcome = proposals.propose({ revision, hash }, from);
      if (outcome.is !== 'refused') hold?.release();
      return outcome;
    },
    saveProgress: ({ revision, progress }) => store.setProgress(revision, progress),
    applyUserMeta: ports.hubMetadata.applyUserMeta,
    deviceMeta: ports.deviceMeta.json,
    tell: (key, value) => {
      ports.hubMetadata.tell(key, value).catch(onBug);
    },
    running: async () => {
      const revision = update()?.committed.revision;
      const document = revision === undefined ? undefined : await store.document(revision);
      if (revision === undefined || document === undefined) return undefined;
      const { state } = await device.revisions.load(revision);
      return { document, objects: state.objects.map(({ id, path }) => ({ id, name: path })) };
    },
    sizeOf: async (object) => (await host.files.stat(`${paths.storage}/objects/${object}`))?.sizeBytes,
    content: (object) => host.files.stream(`${paths.storage}/objects/${object}`),
    loadCredentials: async () => {
      const stored = await loadCredentials(host.files, places);
      await showHints(host.files, places, serverOf(live), stored);
      return stored;
    },
    saveCredentials: options.saveCredentials,
    showChallenge: (challenge) => showChallenge(host.files, places, challenge),
    onProblem: problem,
    onBug,
  };
};

const settingsOf = ({ values }: LiveConfig): ReturnType<HubPort['settings']> => ({
  updaterMs: Math.max(1, values.PH_UPDATER_INTERVAL) * SECOND_MS,
  userMetaMs: Math.max(1, values.PH_METADATA_USRMETA_INTERVAL) * SECOND_MS,
  deviceMetaMs: Math.max(1, values.PH_METADATA_DEVMETA_INTERVAL) * SECOND_MS,
  maxRetries: values.PV_REVISION_RETRIES,
  maxTransfers: Math.max(1, values.PH_UPDATER_TRANSFER_MAX_COUNT),
  onlineThreshold: values.PH_ONLINE_REQUEST_THRESHOLD,
  autoToken: values.PH_FACTORY_AUTOTOK ?? '',
  maxBytesPerSecond: Math.max(0, values.PV_REMOTE_MAX_RATE),
});

/**
 * What the disk says about a step. A progress of other content under the same number is of an earlier life of this
 * device at the Hub, and says nothing.
 */
const recall = async (
  { revision, document }: Step,
  { store, loop }: Device,
  { follow }: ProposalPort,
): Promise<{ readonly known: Progress | undefined; readonly is: Recalled }> => {
  const hash = stateHash(Buffer.from(document));
  const stored = await store.hash(revision);
  const { status } = resourceIn(loop.latest(), UPDATE);
  const known = await store.progress(revision);
  const isSame = stored === undefined || stored === hash;
  if (!isSame) return { known: undefined, is: 'new' };
  if (status?.trial?.revision === revision) {
    follow({ revision, hash });
    return { known, is: 'on trial' };
  }
  if (known !== undefined && isFinal(known)) return { known: progressForHub(known), is: 'final' };
  if (status?.committed.revision === revision && stored === hash)
    return { known: progressOf('DONE', MESSAGE.done, known?.retries), is: 'final' };
  return { known, is: 'new' };
};

type Judged = Extract<Verdict, { is: 'rejected' }> | { readonly is: 'accepted'; readonly objects: readonly string[] };

const judge = async (
  revision: string,
  bytes: Buffer,
  { revisions }: Device,
  problem: (message: string) => void,
): Promise<Judged> => {
  const read = await revisions.read(bytes, revision);
  if (read.ok) return { is: 'accepted', objects: read.state.objects.map(({ id }) => id) };
  const detail = read.problems.join('\n');
  problem(`step ${revision} is rejected: ${detail}`);
  return { is: 'rejected', message: MESSAGE.badState, detail };
};

/**
 * The Hub as a source of desired state: the client runs while the device is in remote mode, and only then is anything of
 * it loaded.
 *
 * In: the configuration, the running revision, GO_REMOTE and UNCLAIM. Out: proposals, and what people are shown.
 * Remote mode is `PV_CONTROL_REMOTE`; a local revision ends it until a revision of the Hub runs again, unless
 * `PV_CONTROL_REMOTE_ALWAYS` or GO_REMOTE says otherwise.
 */
import { distinctUntilChanged, map, type Subscription } from 'rxjs';
import project from '../../package.json' with { type: 'json' };
import type { Identity } from '../../resources/kinds/update.ts';
import { isFinal } from '../../resources/progress.ts';
import type { Outcome } from '../../resources/proposal.ts';
import type { SourceView } from '../../resources/source-view.ts';
import { inTurn } from '../engine/in-turn.ts';
import { DeviceError } from '../host/host.ts';
import { type StoredCredentials, saveCredentials } from '../sources/hub/credentials.ts';
import type { HubClient } from '../sources/hub/hub-client.ts';
import { hubView } from '../sources/hub/hub-view.ts';
import type { ProposalPort, Source } from '../sources/source.ts';
import { isRevision } from '../store/trails/revision.ts';
import { type HubPortOptions, hubPortOf, placesOfHub, progressForHub, serverOf } from './hub-port.ts';
import { reportOf } from './progress-report.ts';

export interface HubSource extends Source {
  readonly isEnabled: () => boolean;
  readonly isRemote: () => boolean;
  readonly isClaimed: () => boolean;
  /** Talks to the Hub although a local revision runs. */
  goRemote(): void;
  /** Forgets whose device it is, and registers anew. @throws DeviceError */
  unclaim(): Promise<void>;
  readonly view: () => SourceView;
}

export type HubSourceOptions = Omit<HubPortOptions, 'proposals' | 'uploads' | 'saveCredentials'>;

const NAME = 'hub';
const MAX_REMEMBERED = 64;
/** What could not be opened is tried again after this long. */
const REOPEN_MS = 60_000;

export const hubSource = (options: HubSourceOptions): HubSource => {
  const { device, live, host, paths, ports, onProblem, onBug } = options;
  const { loop, store } = device;
  const turn = inTurn();
  const save = (stored: StoredCredentials): Promise<void> =>
    turn(() => saveCredentials(host.files, placesOfHub(paths), serverOf(live), stored));
  let port: ProposalPort | undefined;
  let client: HubClient | undefined;
  let opening: Promise<void> | undefined;
  let following: Subscription | undefined;
  let cancelReopen: (() => void) | undefined;
  let forced = false;
  let isStopped = false;
  let isClaimed = false;
  let revision: string | undefined;
  /** By revision. What is over stays over, also when the next revision takes its place: it is told once. */
  const lastTold = new Map<string, string>();
  /** Outcomes are told in the order in which they came, though the disk is asked in between. */
  let telling: Promise<void> = Promise.resolve();

  const isEnabled = (): boolean => live.values.PV_CONTROL_REMOTE;
  const isRemote = (): boolean =>
    !isStopped &&
    isEnabled() &&
    revision !== undefined &&
    (forced || live.values.PV_CONTROL_REMOTE_ALWAYS || !revision.startsWith('locals/'));

  const refresh = (): void => {
    ports.hubMetadata.tell('pantavisor.mode', isRemote() ? 'remote' : 'local').catch(onBug);
    if (!isRemote()) {
      client?.stop();
      client = undefined;
    } else if (client === undefined) opening ??= open().finally(() => (opening = undefined));
  };

  const open = async (): Promise<void> => {
    try {
      const [{ openHubClient }, { openHttpClient }, { openPartialUploads }, { trustedAuthorities }] = await Promise.all(
        [
          import('../sources/hub/hub-client.ts'),
          import('../sources/hub/http-client.ts'),
          import('../store/objects/partial-uploads.ts'),
          import('../sources/hub/trusted-authorities.ts'),
        ],
      );
      const { values } = live;
      const keptSeconds = (): number => live.values.PV_STORAGE_GC_THRESHOLD_DEFERTIME;
      const uploads = await openPartialUploads({ store, files: host.files, clock: host.clock, paths, keptSeconds });
      const { host: name, port: number, proxyHost, proxyPort, noProxyConnect } = serverOf(live);
      const http = openHttpClient({
        certificateAuthorities: await trustedAuthorities(host.files, values.PV_LIBTHTTP_CERTSDIR, onProblem),
        verify: values.PV_REMOTE_TLS_VERIFY,
        timeoutMs: () => Math.max(1, live.values.PH_LIBEVENT_HTTP_TIMEOUT) * 1000,
        proxy:
          proxyHost === undefined ? undefined : { host: proxyHost, port: proxyPort, forwards: noProxyConnect === 1 },
      });
      if (port === undefined) return;
      const made = openHubClient({
        port: hubPortOf({ ...options, proposals: port, uploads, saveCredentials: save }),
        client: http,
        origin: `https://${name.includes(':') ? `[${name}]` : name}:${number}`,
        userAgent: `${project.name}/${project.version} (Linux; ${process.arch})`,
        proposer: `the Hub at ${name}`,
      });
      if (!values.PV_REMOTE_TLS_VERIFY)
        onProblem(
          'PV_REMOTE_TLS_VERIFY',
          'the identity of the Hub is not verified: anybody on the network may pretend to be it',
        );
      await made.start();
      if (isRemote()) client = made;
      else made.stop();
    } catch (error) {
      if (!(error instanceof DeviceError)) return onBug(error);
      onProblem(NAME, error.message);
      cancelReopen = host.clock.schedule(host.clock.nowMs() + REOPEN_MS, refresh);
    }
  };

  const tellNow = async ({ revision: about }: Identity, outcome: Outcome): Promise<void> => {
    const report = reportOf(outcome);
    if (report === undefined) return;
    const onDisk = await store.progress(about);
    // The disk has the exact words, and the log of what went wrong.
    const isDisk = onDisk !== undefined && (onDisk.status === report.progress.status || isFinal(onDisk));
    const progress = progressForHub(isDisk ? onDisk : report.progress);
    // An earlier failure of this content is written down under this name, too: the Hub may ask again.
    if (!isDisk && isFinal(progress)) await store.setProgress(about, progress);
    const text = JSON.stringify([progress.status, progress['status-msg'], progress.logs]);
    if (client === undefined || text === lastTold.get(about)) return;
    lastTold.delete(about);
    lastTold.set(about, text);
    const [oldest] = lastTold.keys();
    if (lastTold.size > MAX_REMEMBERED && oldest !== undefined) lastTold.delete(oldest);
    client.told(about, progress);
  };

  return {
    name: NAME,
    isEnabled,
    isRemote,
    isClaimed: () => client?.view().state.claimed ?? isClaimed,
    goRemote: () => {
      forced = true;
      refresh();
    },
    unclaim: async () => {
      client?.stop();
      client = undefined;
      await save({ credentials: undefined, claimed: false });
      isClaimed = false;
      await ports.hubMetadata.tell('pantahub.claimed', '0');
      refresh();
    },
    start: async (given) => {
      port = given;
      if (!isEnabled()) return;
      const running = loop.snapshots.pipe(
        map((snapshot) => snapshot.revision),
        distinctUntilChanged(),
      );
      following = running.subscribe((next) => {
        // While it is taken down nothing runs that could change the mode.
        if (next === undefined || !isRevision(next) || next === revision) return;
        forced = false;
        revision = next;
        refresh();
      });
    },
    told: (identity, outcome) => {
      telling = telling
        .then(() => tellNow(identity, outcome))
        .catch((error: unknown) => {
          if (error instanceof DeviceError) onProblem(NAME, error.message);
          else onBug(error);
        });
    },
    stop: () => {
      isStopped = true;
      following?.unsubscribe();
      cancelReopen?.();
      client?.stop();
      client = undefined;
    },
    view: () =>
      hubView(client?.view(), {
        isEnabled: isEnabled(),
        isRemote: isRemote(),
        verify: live.values.PV_REMOTE_TLS_VERIFY,
        server: serverOf(live),
      }),
  };
};

/**
 * Pushing from outside: `PV_PVR_LISTEN` serves the command line `pvr`, and `/v1` for everybody else.
 *
 * In: requests of whoever has a token, files of tokens and TLS. Out: objects, revisions, and the wish to run one; lines
 * in the history of who did so. Loaded only where it is configured.
 *
 *   files change ─► tokens and certificate are read again ─► not sound: told; what was read before stays
 *                                                         └► sound: taken up; the listener opens, if it is not open yet
 *
 * It must never decide what runs, let in whom it does not know, or take the device down with it.
 */
import { asyncScheduler, auditTime, merge, type Subscription } from 'rxjs';
import type { PushSettings } from '../config/push-config.ts';
import { inTurn } from '../engine/in-turn.ts';
import { openDoor } from './admission.ts';
import { auditing } from './audit.ts';
import { pushEndpoints } from './endpoints.ts';
import { originProblem } from './origin.ts';
import { type Listener, openListener } from './push-listener.ts';
import type { PushPort } from './push-port.ts';
import { signing } from './signed-urls.ts';
import { loadTls, type Tls } from './tls.ts';
import { loadTokens, type Token } from './tokens.ts';

export interface Push {
  /** undefined: the listener is not open; why was told. */
  url(): string | undefined;
  stop(): Promise<void>;
}

/** Whoever puts a certificate and its key in their places does so one after the other. */
const SETTLE_MS = 200;

const WITHOUT_TOKENS =
  'PV_PVR_LISTEN without PV_PVR_TOKENS: every process of this machine can run anything on the device, those of ' +
  'containers that share its network too';

const directoryOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

interface Found {
  readonly tokens: readonly Token[] | undefined;
  readonly tls: Tls | undefined;
  /** Why nothing can be opened with it. */
  readonly refused?: string;
  /** Everything there is to say of it. */
  readonly problems: readonly string[];
}

/** What the files hold now. */
const look = async ({ tokens, tls, isLoopback }: PushSettings, port: PushPort): Promise<Found> => {
  const loaded = tokens === undefined ? undefined : await loadTokens(port.files, tokens);
  const read = tls === undefined ? undefined : await loadTls(port.files, tls, port.wallTime());
  const isClosed = loaded?.tokens.length === 0 && !isLoopback;
  const refused = typeof read === 'string' ? read : isClosed ? `there is no sound token in ${tokens}` : undefined;
  const warning = typeof read === 'object' && read.warning !== undefined ? [read.warning] : [];
  return {
    tokens: loaded?.tokens,
    tls: typeof read === 'string' ? undefined : read,
    problems: [...(loaded?.problems ?? []), ...warning],
    ...(refused === undefined ? {} : { refused }),
  };
};

export const startPush = async (settings: PushSettings, port: PushPort): Promise<Push> => {
  /** Nobody gets in before the files were read. */
  let found: Found = { tokens: settings.tokens === undefined ? undefined : [], tls: undefined, problems: [] };
  let told: readonly string[] = [];
  let listener: Listener | undefined;
  let isStopped = false;
  const urls = signing(port.nowMs);
  const door = openDoor({ tokens: () => found.tokens, signing: urls, rate: settings.rate, nowMs: port.nowMs });
  const audit = auditing(port.audit, port.nowMs);
  const endpoints = pushEndpoints(port, urls);
  const isForeign: Parameters<typeof openListener>[0]['originProblem'] = ({ headers }) =>
    originProblem(headers, settings.tls === undefined ? 'http' : 'https', {
      listenHost: settings.listen.host,
      hostname: port.hostname,
      hasTokens: found.tokens !== undefined,
      certificate: found.tls?.leaf,
    });

  /** Once: the log may lie in the directory that is watched. */
  const tell = (problems: readonly string[]): void => {
    for (const problem of problems) if (!told.includes(problem)) port.onProblem(problem);
    told = problems;
  };

  const open = async (): Promise<void> => {
    const { listen } = settings;
    try {
      const answering = { endpoints, door, audit, originProblem: isForeign, report: port.report };
      listener = await openListener({ listen, tls: found.tls, ...answering });
    } catch (error) {
      port.report(error, `PV_PVR_LISTEN: listening on ${listen.host}:${listen.port}`);
    }
  };

  const takeUp = async (): Promise<void> => {
    if (isStopped) return;
    const next = await look(settings, port);
    const { refused, problems } = next;
    const what = listener === undefined ? 'is not opened' : 'goes on as it is';
    tell(refused === undefined ? problems : [...problems, `PV_PVR_LISTEN ${what}: ${refused}`]);
    // A token that was taken away lets nobody in, whatever is wrong with the certificate.
    found = refused === undefined ? next : { ...next, tls: found.tls };
    if (refused !== undefined) return;
    if (listener === undefined) await open();
    else if (next.tls !== undefined) listener.replaceTls(next.tls);
  };

  if (settings.tokens === undefined) port.onProblem(WITHOUT_TOKENS);
  const oneByOne = inTurn();
  await oneByOne(takeUp);
  const watching = watch(settings, port, () => oneByOne(takeUp));
  return {
    url: () => listener?.url,
    stop: async () => {
      isStopped = true;
      watching.unsubscribe();
      await oneByOne(async () => listener?.close());
    },
  };
};

/** Directories, not files: what is put in a file's place is another file. */
const watch = ({ tokens, tls }: PushSettings, port: PushPort, takeUp: () => Promise<void>): Subscription => {
  const files = tls === undefined ? [] : [directoryOf(tls.cert), directoryOf(tls.key)];
  const directories = new Set([...files, ...(tokens === undefined ? [] : [tokens])]);
  const changes = merge(...[...directories].map((directory) => port.files.watch(directory)));
  return changes.pipe(auditTime(SETTLE_MS, asyncScheduler)).subscribe({
    next: () => void takeUp().catch((error: unknown) => port.report(error, 'PV_PVR_LISTEN: reading tokens and TLS')),
    error: (error: unknown) =>
      port.report(error, 'PV_PVR_LISTEN: watching tokens and TLS; changes are seen at the next start'),
  });
};

/**
 * The Hub client: does what the state machine asks for, and tells it what came of it.
 *
 * In: answers of the server, timers, outcomes of revisions. Out: requests, and proposals. It decides nothing: see
 * hub-machine.ts and hub-timing.ts. One timer runs while it waits for the next tick, two while metadata is exchanged,
 * none after stop.
 */
import type { Progress } from '../../../resources/progress.ts';
import { isFinal, progressOf } from '../../../resources/progress.ts';
import { DeviceError } from '../../host/host.ts';
import { Rejection } from '../../store/rejection.ts';
import type { HttpClient } from './http-client.ts';
import { answerIn, MAX_BODY_BYTES, reasonIn } from './hub-answers.ts';
import { mayTellMetadata, transition } from './hub-machine.ts';
import type { HubPort } from './hub-port.ts';
import { wireOf } from './hub-requests.ts';
import {
  type Deed,
  type Effect,
  type HubEvent,
  type HubState,
  INITIAL,
  phaseOf,
  type Request,
  type Step,
} from './hub-state.ts';
import { delayMsOf } from './hub-timing.ts';
import { download, factorySync, HubRefusal, retryAfterMsIn } from './hub-transfers.ts';

export interface HubClientOptions {
  readonly port: HubPort;
  readonly client: HttpClient;
  /** `https://host:port`. */
  readonly origin: string;
  readonly userAgent: string;
  readonly proposer: string;
}

export interface HubClient {
  /** @throws DeviceError when the credentials cannot be read */
  start(): Promise<void>;
  stop(): void;
  /** What became of a revision that was proposed, or runs. */
  told(revision: string, progress: Progress): void;
  readonly view: () => HubView;
}

export interface HubView {
  readonly state: HubState;
  /** Wall clock, ms. */
  readonly connectedSinceMs: number | undefined;
  readonly lastContactMs: number | undefined;
  readonly nextTryMs: number | undefined;
}

const DEEDS: Readonly<Record<Deed['kind'], true>> = {
  'save credentials': true,
  'show challenge': true,
  recall: true,
  judge: true,
  'make room': true,
  propose: true,
  'save progress': true,
  'apply user-meta': true,
};
const isDeed = (effect: Effect): effect is Deed => Object.hasOwn(DEEDS, effect.kind);

/** The device was switched on together with others. */
const FIRST_TICK_MS = 1_000;

export const openHubClient = (options: HubClientOptions): HubClient => {
  const { port, client, origin, userAgent } = options;
  const { clock } = port;
  const stopped = new AbortController();
  let state: HubState = INITIAL;
  let step: Step | undefined;
  let tick: { readonly cancel: () => void; readonly atMs: number } | undefined;
  const metadata = new Map<'user-meta' | 'device-meta', () => void>();
  let deviceMeta = { sent: '', sending: '' };
  let connectedSinceMs: number | undefined;
  let lastContactMs: number | undefined;
  /** Progress is written in the order in which it came. */
  let writing: Promise<unknown> = Promise.resolve();

  const wallMs = (): number => clock.wallTime().getTime();
  const seconds = (): number => Math.floor(wallMs() / 1000);

  const dispatch = (event: HubEvent): void => {
    if (stopped.signal.aborted) return;
    const before = state;
    const next = transition(state, event, port.settings());
    state = next.state;
    announce(before);
    for (const effect of next.effects) {
      const work = isDeed(effect) ? perform(effect) : ask(effect);
      work.catch(port.onBug);
    }
    const isOther = phaseOf(before) !== phaseOf(state) || before.failures !== state.failures;
    if (event.type === 'due' || isOther || tick === undefined) schedule();
    scheduleMetadata();
  };

  const announce = (before: HubState): void => {
    if (before.online !== state.online) {
      connectedSinceMs = state.online ? wallMs() : undefined;
      port.tell('pantahub.online', state.online ? '1' : '0');
    }
    if (before.claimed !== state.claimed) port.tell('pantahub.claimed', state.claimed ? '1' : '0');
    if (phaseOf(before) !== phaseOf(state)) port.tell('pantahub.state', phaseOf(state));
    if (state.lastError !== undefined && state.lastError !== before.lastError) port.onProblem(state.lastError);
  };

  const schedule = (delayMs = delayMsOf(state, port.settings(), port.random())): void => {
    tick?.cancel();
    const atMs = clock.nowMs() + delayMs;
    tick = { atMs, cancel: clock.schedule(atMs, onTick) };
  };
  const onTick = (): void => {
    tick = undefined;
    const isBeginning = !state.claimed || phaseOf(state) === 'sync';
    if (isBeginning && !port.mayBegin()) schedule();
    else dispatch({ type: 'due', atSeconds: seconds() });
  };

  const scheduleMetadata = (): void => {
    const { userMetaMs, deviceMetaMs } = port.settings();
    for (const [which, ms] of [
      ['user-meta', userMetaMs],
      ['device-meta', deviceMetaMs],
    ] as const) {
      const isWanted = mayTellMetadata(state);
      if (!isWanted) metadata.get(which)?.();
      if (!isWanted) metadata.delete(which);
      else if (!metadata.has(which))
        metadata.set(
          which,
          clock.schedule(clock.nowMs() + ms, () => onMetadata(which)),
        );
    }
  };
  const onMetadata = (which: 'user-meta' | 'device-meta'): void => {
    metadata.delete(which);
    const send = async (): Promise<void> => {
      const text = which === 'device-meta' ? await port.deviceMeta() : undefined;
      // The Hub has it already: nothing is gained by saying it again.
      if (text !== undefined && text === deviceMeta.sent) return scheduleMetadata();
      if (text !== undefined) deviceMeta = { ...deviceMeta, sending: text };
      dispatch({ type: 'metadata due', which });
    };
    send().catch((error: unknown) => {
      if (!(error instanceof DeviceError)) return port.onBug(error);
      port.onProblem(error.message);
      scheduleMetadata();
    });
  };

  const ask = async (request: Request): Promise<void> => {
    try {
      dispatch(await answerTo(request));
    } catch (error) {
      if (stopped.signal.aborted) return;
      dispatch(failureOf(request, error));
    }
  };

  const answerTo = async (request: Request): Promise<HubEvent> => {
    if (request.kind === 'sync' || request.kind === 'download') {
      await (request.kind === 'sync' ? sync() : fetchObject(request));
      return { type: 'answered', request, answer: { kind: request.kind } };
    }
    const { credentials, token } = state;
    const session = { credentials, token, userAgent, deviceMeta: deviceMeta.sending, ...port.settings() };
    const answer = await client.ask({ ...wireOf(request, session), origin, signal: stopped.signal }, MAX_BODY_BYTES);
    contacted(answer.address);
    const parsed = answer.status === 200 ? answerIn(request, answer.body) : undefined;
    if (parsed === undefined) {
      const retryAfterMs = retryAfterMsIn(answer.headers['retry-after'], wallMs());
      throw new HubRefusal(answer.status, reasonIn(request.kind, answer.status, answer.body), retryAfterMs);
    }
    if (request.kind === 'device-meta') deviceMeta = { ...deviceMeta, sent: deviceMeta.sending };
    if (parsed.kind === 'steps') step = stepToKeep(parsed.step);
    return { type: 'answered', request, answer: parsed };
  };

  /** The document of the step that is worked on stays until that is over. */
  const stepToKeep = (next: Step | undefined): Step | undefined =>
    state.update === undefined || state.update.stage === 'final' ? next : step;

  const contacted = (address: string): void => {
    lastContactMs = wallMs();
    port.tell('pantahub.address', address);
  };

  const sync = (): Promise<void> => {
    const headers = { 'User-Agent': userAgent, Authorization: `Bearer ${state.token}` };
    return factorySync({ client, origin, headers, port, signal: stopped.signal });
  };

  const fetchObject = (request: Extract<Request, { kind: 'download' }>): Promise<void> =>
    download(request, {
      ...{ client, clock, userAgent, uploads: port.uploads, signal: stopped.signal },
      bytesPerSecond: () => {
        const running = state.inFlight.filter((key) => key.startsWith('download ')).length;
        return port.settings().maxBytesPerSecond / Math.max(1, running);
      },
      onBytes: (bytes) => {
        lastContactMs = wallMs();
        dispatch({ type: 'loaded', id: request.id, bytes });
      },
    });

  const failureOf = (request: Request, error: unknown): HubEvent => {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof HubRefusal) {
      const retry = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs };
      return { type: 'refused', request, status: error.status, reason, ...retry };
    }
    // More came than was announced.
    if (error instanceof Rejection) return { type: 'refused', request, status: 200, reason };
    return { type: 'unanswered', request, reason: `${request.kind}: ${reason}` };
  };

  const perform = async (deed: Deed): Promise<void> => {
    try {
      await performNow(deed);
    } catch (error) {
      if (!(error instanceof DeviceError || error instanceof Rejection)) throw error;
      port.onProblem(error.message);
      const verdict = { is: 'rejected', message: 'Internal error', detail: error.message } as const;
      if (deed.kind === 'judge') dispatch({ type: 'judged', revision: deed.revision, verdict, atSeconds: seconds() });
      // Asked again at the next tick.
      if (deed.kind === 'propose') refuse(deed.revision);
      if (deed.kind === 'recall' || deed.kind === 'make room') giveUp();
    }
  };

  /** What the device cannot do now is begun again with the next poll. */
  const giveUp = (): void => {
    state = { ...state, update: undefined, failures: state.failures + 1 };
    schedule();
  };
  const refuse = (revision: string): void =>
    dispatch({ type: 'outcome', revision, progress: progressOf('NEW', ''), refused: true });

  const performNow = async (deed: Deed): Promise<void> => {
    switch (deed.kind) {
      case 'save credentials':
        return port.saveCredentials(deed);
      case 'show challenge':
        return port.showChallenge(deed.challenge);
      case 'recall':
        return dispatch({ type: 'recalled', step: deed.step, ...(await port.recall(deed.step)) });
      case 'judge': {
        await writing;
        if (step?.revision !== deed.revision) return giveUp();
        const verdict = await port.judge(step, deed.progress);
        return dispatch({ type: 'judged', revision: deed.revision, verdict, atSeconds: seconds() });
      }
      case 'make room': {
        const { revision, bytes: neededBytes } = deed;
        const availableBytes = await port.makeRoom(neededBytes);
        return dispatch({ type: 'room made', revision, availableBytes, neededBytes, atSeconds: seconds() });
      }
      case 'propose':
        return propose(deed.revision);
      case 'save progress':
        writing = writing.then(() => port.saveProgress(deed.report));
        await writing.finally(() => {
          writing = Promise.resolve();
        });
        return;
      case 'apply user-meta':
        return port.applyUserMeta(deed.map);
      default:
        return deed satisfies never;
    }
  };

  const propose = async (revision: string): Promise<void> => {
    await writing;
    if (step?.revision !== revision) return giveUp();
    const outcome = await port.propose(step, options.proposer);
    if (outcome.is === 'refused') {
      port.onProblem(`step ${revision} waits: ${outcome.reason}`);
      refuse(revision);
    }
  };

  return {
    start: async () => {
      const { credentials, claimed } = await port.loadCredentials();
      state = { ...INITIAL, credentials, claimed };
      port.tell('pantahub.online', '0');
      port.tell('pantahub.claimed', claimed ? '1' : '0');
      port.tell('pantahub.state', phaseOf(state));
      schedule(port.random() * FIRST_TICK_MS);
    },
    stop: () => {
      stopped.abort();
      tick?.cancel();
      for (const cancel of metadata.values()) cancel();
      client.close();
    },
    told: (revision, progress) => {
      dispatch({ type: 'outcome', revision, progress });
      if (isFinal(progress) && step?.revision === revision) step = undefined;
    },
    view: () => ({
      state,
      connectedSinceMs,
      lastContactMs,
      nextTryMs: tick === undefined ? undefined : wallMs() + Math.max(0, tick.atMs - clock.nowMs()),
    }),
  };
};

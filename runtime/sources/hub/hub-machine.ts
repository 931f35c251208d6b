/**
 * The Hub client's decisions: (state, event) → state and effects. Pure; all effects are in hub-client.ts.
 *
 * Differences from Pantavisor on purpose: an empty token is a failed login; an unclaimed device registers anew only when
 * the server says that it does not know the device; failures of the network cost no retries of a step; a report that
 * could not be delivered is kept until it can.
 */
import { isFinal } from '../../../resources/progress.ts';
import type { Answer, Effect, HubEvent, HubSettings, HubState, Request, Transition } from './hub-state.ts';
import { keyOf, phaseOf } from './hub-state.ts';
import * as steps from './hub-update.ts';

export const transition = (state: HubState, event: HubEvent, settings: HubSettings): Transition => {
  const next = decide(state, event, settings);
  return withReports(next);
};

const decide = (state: HubState, event: HubEvent, settings: HubSettings): Transition => {
  switch (event.type) {
    case 'due':
      return due(state, event.atSeconds, settings);
    case 'metadata due':
      return send(state, mayTellMetadata(state) ? [{ kind: event.which }] : []);
    case 'answered':
      return answered(heard(ended(state, event.request)), event, settings);
    case 'refused':
      return refused(heard(ended(state, event.request)), event);
    case 'unanswered':
      return only(unanswered(ended(state, event.request), event, settings));
    case 'recalled':
      return isStepAtHand(state, event.step.revision) ? steps.recalled(state, event, settings) : only(state);
    case 'judged':
      return pursue(steps.judged(state, event), settings);
    case 'room made':
      return sendAll(steps.roomMade(state, event, settings));
    case 'loaded':
      return only(steps.loaded(state, event.id, event.bytes));
    case 'outcome':
      return only(steps.outcome(state, event, isFinal));
    default:
      return event satisfies never;
  }
};

const only = (state: HubState): Transition => ({ state, effects: [] });

const isStepAtHand = ({ update }: HubState, revision: string): boolean =>
  update?.revision === revision && update.stage === 'judging';

const isRequest = (effect: Effect): effect is Request =>
  [
    'register',
    'device',
    'login',
    'trails',
    'sync',
    'steps',
    'object',
    'download',
    'progress',
    'user-meta',
    'device-meta',
  ].includes(effect.kind);

/** At most one request of each kind is under way; another one of the kind is left out. */
const send = (state: HubState, effects: readonly Effect[]): Transition => {
  const inFlight = [...state.inFlight];
  const sent: Effect[] = [];
  for (const effect of effects) {
    if (isRequest(effect)) {
      const key = keyOf(effect);
      if (inFlight.includes(key)) continue;
      inFlight.push(key);
    }
    sent.push(effect);
  }
  return { state: { ...state, inFlight }, effects: sent };
};

const sendAll = ({ state, effects }: Transition): Transition => send(state, effects);

/** Begins the listing at once where there is one. */
const pursue = ({ state, effects }: Transition, settings: HubSettings): Transition => {
  const more = steps.transfers(state, settings);
  return send(more.state, [...effects, ...more.effects]);
};

/** The newest report of the oldest revision goes next, when there is a session and nothing is being delivered. */
const withReports = ({ state, effects }: Transition): Transition => {
  const [report] = state.reports;
  const isFree = !state.inFlight.includes('progress') && state.failures === 0;
  if (report === undefined || !isFree || state.token === undefined || !state.claimed || state.trail !== 'synced')
    return { state, effects };
  const more = send(state, [{ kind: 'progress', report }]);
  return { state: more.state, effects: [...effects, ...more.effects] };
};

const due = (state: HubState, atSeconds: number, settings: HubSettings): Transition => {
  const calm = steps.counted({ ...state, retryAfterMs: undefined }, atSeconds, settings);
  const [report] = calm.reports;
  const again: readonly Effect[] =
    report !== undefined && calm.claimed && calm.token !== undefined && calm.trail === 'synced'
      ? [{ kind: 'progress', report }]
      : [];
  switch (phaseOf(calm)) {
    case 'register':
      return send(calm, [{ kind: 'register' }]);
    case 'claim':
      return send(calm, [calm.token === undefined ? { kind: 'login' } : { kind: 'device' }]);
    case 'login':
      return send(calm, [{ kind: 'login' }]);
    case 'wait Hub':
      return send(calm, [{ kind: 'trails' }]);
    case 'sync':
      return send(calm, [{ kind: 'sync' }]);
    case 'idle':
      // A list that was made before a report came in would show a step as unfinished that is over.
      if (calm.failures === 0 && (again.length > 0 || calm.inFlight.includes('progress'))) return send(calm, again);
      return send(calm, [...again, { kind: 'steps' }]);
    case 'prep download':
    case 'download': {
      const more = steps.transfers(calm, settings);
      return send(more.state, [...again, ...more.effects]);
    }
    case 'report': {
      const { update } = calm;
      if (update?.stage !== 'refused') return send(calm, again);
      const running = { ...calm, update: { ...update, stage: 'running' as const } };
      return send(running, [...again, { kind: 'propose', revision: update.revision }]);
    }
  }
};

/** Metadata waits while nobody answers. */
export const mayTellMetadata = (state: HubState): boolean =>
  state.online && ['idle', 'prep download', 'download', 'report'].includes(phaseOf(state));

const ended = (state: HubState, request: Request): HubState => ({
  ...state,
  inFlight: state.inFlight.filter((key) => key !== keyOf(request)),
});

/** An answer of any status: the server is there. */
const heard = (state: HubState): HubState => ({ ...state, online: true, unanswered: 0 });

const answered = (
  before: HubState,
  { request, answer }: Extract<HubEvent, { type: 'answered' }>,
  settings: HubSettings,
): Transition => {
  // Neither a session nor metadata says that what the phase is about works.
  const isProof = !['login', 'user-meta', 'device-meta'].includes(answer.kind);
  const state: HubState = isProof ? { ...before, failures: 0, retryAfterMs: undefined, lastError: undefined } : before;
  switch (answer.kind) {
    case 'register': {
      const { credentials } = answer;
      const saved: Effect = { kind: 'save credentials', credentials, claimed: false };
      return send({ ...state, credentials, token: undefined }, [saved, { kind: 'login' }]);
    }
    case 'login':
      return loggedIn(state, answer.token);
    case 'device':
      return seen(state, answer);
    case 'trails':
      return trailsKnown(state, answer.isSynced);
    case 'sync':
      return send({ ...state, trail: 'unknown' }, [{ kind: 'trails' }]);
    case 'steps':
      return sendAll(steps.offered(state, answer.step));
    case 'object':
      return sendAll(steps.objectKnown(state, answer));
    case 'user-meta':
      return send(state, [{ kind: 'apply user-meta', map: answer.map }]);
    case 'device-meta':
      return only(state);
    case 'progress':
      return only(request.kind === 'progress' ? delivered(state, request) : state);
    case 'download':
      return request.kind === 'download' ? sendAll(steps.objectStored(state, request.id, settings)) : only(state);
    default:
      return answer satisfies never;
  }
};

const loggedIn = (state: HubState, token: string): Transition => {
  if (token === '') return loginFailed(state, 'the server answered with an empty token: it cannot let this device in');
  return send({ ...state, token }, [state.claimed ? { kind: 'trails' } : { kind: 'device' }]);
};

/** An unclaimed device has nothing to lose and registers anew; a claimed one says so and goes on trying. */
const loginFailed = (state: HubState, lastError: string): Transition => {
  const failed: HubState = { ...state, token: undefined, failures: state.failures + 1, lastError };
  if (state.claimed || state.credentials === undefined) return only(failed);
  return forget(failed);
};

const forget = (state: HubState): Transition => ({
  state: { ...state, credentials: undefined, token: undefined, challenge: undefined },
  effects: [{ kind: 'save credentials', credentials: undefined, claimed: false }],
});

const seen = (state: HubState, { owner, challenge }: Extract<Answer, { kind: 'device' }>): Transition => {
  const { credentials } = state;
  if (owner === '' || credentials === undefined)
    return send({ ...state, challenge }, challenge === state.challenge ? [] : [{ kind: 'show challenge', challenge }]);
  // The token of an unowned device names no owner: it logs in again.
  const claimed: HubState = { ...state, claimed: true, challenge: undefined, token: undefined };
  return send(claimed, [
    { kind: 'save credentials', credentials, claimed: true },
    { kind: 'show challenge', challenge: '' },
    { kind: 'login' },
  ]);
};

const trailsKnown = (state: HubState, isSynced: boolean): Transition =>
  send({ ...state, trail: isSynced ? 'synced' : 'missing' }, [isSynced ? { kind: 'steps' } : { kind: 'sync' }]);

const isUnknownDevice = (status: number): boolean => status === 403 || status === 404;

const refused = (
  before: HubState,
  { request, status, reason, retryAfterMs }: Extract<HubEvent, { type: 'refused' }>,
): Transition => {
  if (request.kind === 'login' && status === 401)
    return loginFailed({ ...before, retryAfterMs }, `the server does not accept the device's credentials: ${reason}`);
  const failed: HubState = { ...before, failures: before.failures + 1, retryAfterMs, lastError: reason };
  const state = status === 401 && request.kind !== 'download' ? { ...failed, token: undefined } : failed;
  if (request.kind === 'device' && isUnknownDevice(status)) return forget(state);
  // A body that is no list of trails means what an empty one does.
  if (request.kind === 'trails' && status === 200) return only({ ...state, trail: 'missing' });
  // What a server that has no such step refuses, it refuses for ever.
  if (request.kind === 'progress' && status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status))
    return only(delivered(state, request));
  if (request.kind === 'object' || request.kind === 'download')
    return only(steps.objectFailed(state, request.id, status === 401));
  return only(request.kind === 'sync' ? { ...state, trail: 'unknown' } : state);
};

/** One that came meanwhile stays. */
const delivered = (state: HubState, { report }: Extract<Request, { kind: 'progress' }>): HubState => ({
  ...state,
  reports: state.reports.filter((each) => each !== report),
});

const unanswered = (
  before: HubState,
  { request, reason }: Extract<HubEvent, { type: 'unanswered' }>,
  { onlineThreshold }: HubSettings,
): HubState => {
  const count = before.unanswered + 1;
  const state: HubState = {
    ...before,
    unanswered: count,
    online: before.online && count <= onlineThreshold,
    failures: before.failures + 1,
    lastError: reason,
  };
  if (request.kind === 'object' || request.kind === 'download') return steps.objectFailed(state, request.id, true);
  return request.kind === 'sync' ? { ...state, trail: 'unknown' } : state;
};

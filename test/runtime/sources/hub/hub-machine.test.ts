/** Every row of what a device says to the Hub and makes of its answers: registration to the final status. */
import { describe, expect, it } from 'vitest';
import { type Progress, progressOf } from '../../../../resources/progress.ts';
import { transition } from '../../../../runtime/sources/hub/hub-machine.ts';
import {
  type Answer,
  type Effect,
  type HubEvent,
  type HubState,
  INITIAL,
  phaseOf,
  type Request,
  type Step,
} from '../../../../runtime/sources/hub/hub-state.ts';
import { delayMsOf } from '../../../../runtime/sources/hub/hub-timing.ts';

const CREDENTIALS = { id: '65f0', prn: 'prn:::devices:/65f0', secret: 's3cret' };
const SETTINGS = { maxRetries: 10, maxTransfers: 2, onlineThreshold: 0 };
const STEP: Step = { revision: '7', document: '{}', message: 'new web', author: 'ann', retries: 0 };
const CLAIMED: HubState = { ...INITIAL, credentials: CREDENTIALS, claimed: true };
const IDLE: HubState = { ...CLAIMED, token: 'jwt', trail: 'synced', online: true };

/** A machine that notes what it asked for, as sentences. */
const machine = (state: HubState = INITIAL, settings = SETTINGS) => {
  let now = state;
  const happen = (event: HubEvent): string[] => {
    const next = transition(now, event, settings);
    now = next.state;
    return next.effects.map(sentence);
  };
  return {
    happen,
    due: () => happen({ type: 'due', atSeconds: 1800 }),
    answer: (request: Request, answer: Answer) => happen({ type: 'answered', request, answer }),
    refuse: (request: Request, status: number) =>
      happen({ type: 'refused', request, status, reason: `answered ${status}` }),
    silence: (request: Request) => happen({ type: 'unanswered', request, reason: 'ECONNREFUSED' }),
    outcome: (revision: string, progress: Progress) => happen({ type: 'outcome', revision, progress }),
    state: () => now,
    phase: () => phaseOf(now),
  };
};

const sentence = (effect: Effect): string => {
  switch (effect.kind) {
    case 'progress':
    case 'save progress': {
      const { revision, progress } = effect.report;
      return `${effect.kind} ${revision} ${progress.status} ${progress['status-msg']}`;
    }
    case 'object':
    case 'download':
      return `${effect.kind} ${effect.id}`;
    case 'save credentials':
      return effect.credentials === undefined
        ? 'forget credentials'
        : `save ${effect.claimed ? 'claimed' : 'unclaimed'}`;
    case 'show challenge':
      return `show challenge ${effect.challenge}`;
    case 'make room':
      return `make room for ${effect.bytes}`;
    case 'recall':
      return `recall ${effect.step.revision}`;
    case 'judge':
    case 'propose':
      return `${effect.kind} ${effect.revision}`;
    default:
      return effect.kind;
  }
};

describe('before it is claimed', () => {
  it('registers, logs in, and shows the challenge until it has an owner', () => {
    const hub = machine();
    expect(hub.phase()).toBe('register');
    expect(hub.due()).toEqual(['register']);
    expect(hub.due()).toEqual([]); // one request of a kind
    const registered = hub.answer({ kind: 'register' }, { kind: 'register', credentials: CREDENTIALS });
    expect(registered).toEqual(['save unclaimed', 'login']);
    expect(hub.answer({ kind: 'login' }, { kind: 'login', token: 'jwt' })).toEqual(['device']);
    const unowned: Answer = { kind: 'device', owner: '', challenge: 'duly-happy-cat' };
    expect(hub.answer({ kind: 'device' }, unowned)).toEqual(['show challenge duly-happy-cat']);
    expect(hub.phase()).toBe('claim');
    expect(hub.due()).toEqual(['device']);
    expect(hub.answer({ kind: 'device' }, unowned)).toEqual([]); // shown already
    hub.due();
    const owned = hub.answer({ kind: 'device' }, { kind: 'device', owner: 'prn:ann', challenge: '' });
    expect(owned).toEqual(['save claimed', 'show challenge ', 'login']);
    expect(hub.state().token).toBeUndefined();
    expect(hub.phase()).toBe('login');
  });

  it('never syncs before it is claimed', () => {
    const hub = machine({ ...INITIAL, credentials: CREDENTIALS, token: 'jwt' });
    for (let tick = 0; tick < 5; tick += 1) {
      expect(hub.due()).toEqual(['device']);
      hub.answer({ kind: 'device' }, { kind: 'device', owner: '', challenge: 'a-b-c' });
    }
  });

  it('registers anew when its token is empty for ever', () => {
    const hub = machine({ ...INITIAL, credentials: CREDENTIALS });
    hub.due();
    expect(hub.answer({ kind: 'login' }, { kind: 'login', token: '' })).toEqual(['forget credentials']);
    expect(hub.phase()).toBe('register');
  });

  it.each([401])('registers anew when the login is refused with %i', (status) => {
    const hub = machine({ ...INITIAL, credentials: CREDENTIALS });
    hub.due();
    expect(hub.refuse({ kind: 'login' }, status)).toEqual(['forget credentials']);
  });

  it.each([500, 502, 429])('keeps its credentials when the server answers %i', (status) => {
    const hub = machine({ ...INITIAL, credentials: CREDENTIALS, token: 'jwt' });
    hub.due();
    expect(hub.refuse({ kind: 'device' }, status)).toEqual([]);
    expect(hub.state().credentials).toEqual(CREDENTIALS);
  });

  it.each([403, 404])('registers anew when the server does not know it: %i', (status) => {
    const hub = machine({ ...INITIAL, credentials: CREDENTIALS, token: 'jwt' });
    hub.due();
    expect(hub.refuse({ kind: 'device' }, status)).toEqual(['forget credentials']);
  });
});

describe('claimed', () => {
  it('logs in, asks for its trail, syncs when there is none, and polls', () => {
    const hub = machine(CLAIMED);
    expect(hub.due()).toEqual(['login']);
    expect(hub.answer({ kind: 'login' }, { kind: 'login', token: 'jwt' })).toEqual(['trails']);
    expect(hub.phase()).toBe('wait Hub');
    expect(hub.answer({ kind: 'trails' }, { kind: 'trails', isSynced: false })).toEqual(['sync']);
    expect(hub.phase()).toBe('sync');
    expect(hub.answer({ kind: 'sync' }, { kind: 'sync' })).toEqual(['trails']);
    expect(hub.answer({ kind: 'trails' }, { kind: 'trails', isSynced: true })).toEqual(['steps']);
    expect(hub.phase()).toBe('idle');
  });

  it('asks for its trail again after a sync that failed', () => {
    const hub = machine({ ...CLAIMED, token: 'jwt', trail: 'missing' });
    expect(hub.due()).toEqual(['sync']);
    hub.refuse({ kind: 'sync' }, 500);
    expect(hub.phase()).toBe('wait Hub');
  });

  it('keeps its credentials for an empty token, says so, and tries ever more slowly', () => {
    const hub = machine(CLAIMED);
    for (let tick = 1; tick <= 3; tick += 1) {
      expect(hub.due()).toEqual(['login']);
      expect(hub.answer({ kind: 'login' }, { kind: 'login', token: '' })).toEqual([]);
      expect(hub.state().failures).toBe(tick);
    }
    expect(hub.state().lastError).toContain('empty token');
    expect(hub.state().credentials).toEqual(CREDENTIALS);
  });

  it.each<Request>([{ kind: 'steps' }, { kind: 'trails' }, { kind: 'user-meta' }, { kind: 'device-meta' }])(
    'drops its token when $kind is answered with 401',
    (request) => {
      const hub = machine({ ...IDLE, inFlight: [request.kind] });
      hub.refuse(request, 401);
      expect(hub.phase()).toBe('login');
      expect(hub.due()).toEqual(['login']);
    },
  );

  it('tries ever more slowly when it can log in but nothing else', () => {
    const hub = machine(CLAIMED);
    for (let tick = 1; tick <= 3; tick += 1) {
      hub.due();
      hub.answer({ kind: 'login' }, { kind: 'login', token: 'jwt' });
      hub.refuse({ kind: 'trails' }, 401);
      expect(hub.state().failures).toBe(tick);
    }
  });

  it('is online from the first answer on, whatever it says, and offline when there is none', () => {
    const hub = machine(CLAIMED);
    hub.due();
    hub.refuse({ kind: 'login' }, 500);
    expect(hub.state().online).toBe(true);
    hub.due();
    hub.silence({ kind: 'login' });
    expect(hub.state().online).toBe(false);
  });

  it('stays online as long as the threshold allows', () => {
    const hub = machine(IDLE, { ...SETTINGS, onlineThreshold: 1 });
    hub.silence({ kind: 'steps' });
    expect(hub.state().online).toBe(true);
    hub.silence({ kind: 'steps' });
    expect(hub.state().online).toBe(false);
  });

  it('leaves metadata alone while it is offline, and before it has a trail', () => {
    expect(machine(IDLE).happen({ type: 'metadata due', which: 'user-meta' })).toEqual(['user-meta']);
    expect(machine({ ...IDLE, online: false }).happen({ type: 'metadata due', which: 'user-meta' })).toEqual([]);
    expect(machine({ ...IDLE, trail: 'missing' }).happen({ type: 'metadata due', which: 'device-meta' })).toEqual([]);
  });
});

const offered = (hub = machine(IDLE)) => {
  hub.due();
  expect(hub.answer({ kind: 'steps' }, { kind: 'steps', step: STEP })).toEqual(['recall 7']);
  return hub;
};
const recalled = (known?: Progress, is: 'new' | 'final' | 'on trial' = 'new') =>
  ({ type: 'recalled', step: STEP, known, is }) as const;
const accepted = (...missing: string[]): HubEvent => ({
  type: 'judged',
  revision: '7',
  verdict: { is: 'accepted', missing },
  atSeconds: 100,
});
const delivered = (hub: ReturnType<typeof machine>): void => {
  const [report] = hub.state().reports;
  if (report !== undefined) hub.answer({ kind: 'progress', report }, { kind: 'progress' });
};

describe('a step', () => {
  it('is queued, counted, judged and run when nothing is missing', () => {
    const hub = offered();
    expect(hub.happen(recalled())).toEqual([
      'save progress 7 QUEUED Retried 1 of 10',
      'judge 7',
      'progress 7 QUEUED Retried 1 of 10',
    ]);
    expect(hub.happen(accepted())).toEqual(['propose 7']);
    expect(hub.phase()).toBe('report');
    delivered(hub);
    expect(hub.outcome('7', progressOf('TESTING', 'Awaiting to see if update is stable'))).toEqual([
      'progress 7 TESTING Awaiting to see if update is stable',
    ]);
    delivered(hub);
    expect(hub.outcome('7', progressOf('DONE', 'Update finished, revision set as rollback point'))).toEqual([
      'progress 7 DONE Update finished, revision set as rollback point',
    ]);
    expect(hub.phase()).toBe('idle');
  });

  it('is reported as over once, and again only when its log comes after that', () => {
    const hub = offered();
    hub.happen(recalled());
    delivered(hub);
    hub.happen(accepted());
    const failed = progressOf('ERROR', 'Status goal not reached', 1);
    expect(hub.outcome('7', failed)).toEqual(['progress 7 ERROR Status goal not reached']);
    delivered(hub);
    expect(hub.outcome('7', progressOf('ERROR', 'Status goal not reached'))).toEqual([]);
    expect(hub.outcome('7', { ...failed, logs: '{}' })).toEqual(['progress 7 ERROR Status goal not reached']);
  });

  it('is ignored while another one is worked on', () => {
    const hub = offered();
    expect(hub.answer({ kind: 'steps' }, { kind: 'steps', step: { ...STEP, revision: '8' } })).toEqual([]);
    expect(hub.state().update?.revision).toBe('7');
  });

  it('that ended long ago is reported again, word by word', () => {
    const hub = offered();
    expect(hub.happen(recalled(progressOf('ERROR', 'Status goal not reached', 3), 'final'))).toEqual([
      'progress 7 ERROR Status goal not reached',
    ]);
    expect(hub.phase()).toBe('idle');
  });

  it('that is on trial is followed, not begun again', () => {
    const hub = offered();
    hub.happen(recalled(progressOf('TESTING', 'Awaiting to see if update is stable', 1), 'on trial'));
    expect(hub.phase()).toBe('report');
  });

  it('is given up when it was begun too often: the tenth time', () => {
    const hub = offered();
    expect(hub.happen(recalled(progressOf('QUEUED', 'Retried 8 of 10', 8)))).toContain('judge 7');
    const last = offered();
    expect(last.happen(recalled(progressOf('QUEUED', 'Retried 9 of 10', 9)))).toEqual([
      'save progress 7 WONTGO Max update processing retries reached',
      'progress 7 WONTGO Max update processing retries reached',
    ]);
  });

  it.each(['State JSON has bad format', 'State not fully covered by signatures', 'Internal error'])(
    'that is rejected ends as WONTGO: %s',
    (message) => {
      const hub = offered();
      hub.happen(recalled());
      delivered(hub);
      const effects = hub.happen({
        type: 'judged',
        revision: '7',
        verdict: { is: 'rejected', message, detail: '' },
        atSeconds: 1,
      });
      expect(effects).toEqual([`save progress 7 WONTGO ${message}`, `progress 7 WONTGO ${message}`]);
      expect(hub.state().update?.progress.progress).toBe(100);
      expect(hub.phase()).toBe('idle');
    },
  );

  it('waits while another source is not finished, and is proposed again', () => {
    const hub = offered();
    hub.happen(recalled());
    hub.happen(accepted());
    hub.happen({ type: 'outcome', revision: '7', progress: progressOf('NEW', ''), refused: true });
    expect(hub.due()).toContain('propose 7');
  });
});

const known = (id: string, sizeBytes = 10): Answer => ({ kind: 'object', id, sizeBytes, url: `https://s3/${id}` });
const download = (id: string, sizeBytes = 10): Request => ({
  kind: 'download',
  id,
  url: `https://s3/${id}`,
  sizeBytes,
});
const downloading = (ids: string[]) => {
  const hub = offered();
  hub.happen(recalled());
  delivered(hub);
  hub.happen(accepted(...ids));
  delivered(hub);
  for (;;) {
    const asked = hub.state().update?.objects.filter(({ is }) => is === 'asked') ?? [];
    if (asked.length === 0) break;
    for (const { id } of asked) hub.answer({ kind: 'object', id }, known(id));
    if (hub.state().update?.stage === 'metadata') hub.due();
  }
  return hub;
};
const makeRoom = (hub: ReturnType<typeof machine>, availableBytes = 1e9) =>
  hub.happen({ type: 'room made', revision: '7', availableBytes, neededBytes: 30, atSeconds: 1700 });

describe('objects', () => {
  it('are listed a few at a time, and the first listing is free', () => {
    const hub = offered();
    hub.happen(recalled());
    delivered(hub);
    expect(hub.happen(accepted('a', 'b', 'c'))).toEqual([
      'save progress 7 QUEUED Downloading update metadata, retry 1 of 10',
      'object a',
      'object b',
      'progress 7 QUEUED Downloading update metadata, retry 1 of 10',
    ]);
    hub.answer({ kind: 'object', id: 'a' }, known('a'));
    hub.answer({ kind: 'object', id: 'b' }, known('b'));
    expect(hub.due()).toContain('object c');
    expect(hub.answer({ kind: 'object', id: 'c' }, known('c'))).toContain('make room for 30');
  });

  it('that the server refuses to describe cost a retry at each new listing, until the step is given up', () => {
    const hub = offered();
    hub.happen(recalled());
    hub.happen(accepted('a'));
    const texts: string[] = [];
    for (let tick = 0; tick < 20 && hub.state().update?.stage === 'metadata'; tick += 1) {
      hub.refuse({ kind: 'object', id: 'a' }, 403);
      texts.push(...hub.due().filter((effect) => effect.startsWith('save')));
    }
    expect(texts.length).toBe(10);
    expect(texts[0]).toBe('save progress 7 QUEUED Downloading update metadata, retry 2 of 10');
    expect(texts.at(-1)).toBe('save progress 7 WONTGO Max download update retries reached');
  });

  it('cost no retry while nobody answers', () => {
    const hub = offered();
    hub.happen(recalled());
    hub.happen(accepted('a'));
    for (let tick = 0; tick < 50; tick += 1) {
      hub.silence({ kind: 'object', id: 'a' });
      expect(hub.due()).toContain('object a');
    }
    expect(hub.state().update?.retries).toBe(1);
  });

  it('that do not fit end the step, with both numbers', () => {
    const hub = downloading(['a', 'b', 'c']);
    expect(makeRoom(hub, 20)).toContain('save progress 7 WONTGO Space required 30 B, available 20 B');
  });

  it('are fetched a few at a time, each once, and then the step runs', () => {
    const hub = downloading(['a', 'b', 'c']);
    delivered(hub);
    expect(makeRoom(hub)).toEqual([
      'save progress 7 DOWNLOADING Downloading update artifacts, retry 1 of 10',
      'download a',
      'download b',
      'progress 7 DOWNLOADING Downloading update artifacts, retry 1 of 10',
    ]);
    expect(hub.phase()).toBe('download');
    expect(hub.state().update?.progress).toMatchObject({
      progress: 25,
      downloads: {
        total: { object_name: 'total', object_id: 'none', total_size: 30, total_downloaded: 0, start_time: 1700 },
      },
    });
    expect(hub.answer(download('a'), { kind: 'download' })).toContain('download c');
    hub.answer(download('b'), { kind: 'download' });
    expect(hub.answer(download('c'), { kind: 'download' })).toContain('propose 7');
  });

  it('tell how many bytes have come, when more have', () => {
    const hub = downloading(['a', 'b']);
    makeRoom(hub);
    delivered(hub);
    hub.happen({ type: 'loaded', id: 'a', bytes: 4 });
    hub.happen({ type: 'loaded', id: 'b', bytes: 3 });
    expect(hub.due()).toEqual(['progress 7 DOWNLOADING Downloading update artifacts, retry 1 of 10']);
    const [report] = hub.state().reports;
    expect(report?.progress).toMatchObject({ downloads: { total: { total_downloaded: 7, current_time: 1800 } } });
    delivered(hub);
    expect(hub.due()).toEqual([]);
  });

  it('that arrive damaged are fetched again, for a retry each round', () => {
    const hub = downloading(['a']);
    makeRoom(hub);
    for (let tick = 0; tick < 20 && hub.state().update?.stage === 'downloading'; tick += 1) {
      hub.refuse(download('a'), 200);
      hub.due();
    }
    expect(hub.state().update?.progress['status-msg']).toBe('Max download update retries reached');
  });
});

describe('reports', () => {
  it('are delivered one at a time, the newest of a revision, and kept until they are', () => {
    const hub = machine({ ...IDLE, update: undefined });
    hub.outcome('7', progressOf('INPROGRESS', 'Trying new revision'));
    expect(hub.outcome('7', progressOf('TESTING', 'x'))).toEqual([]);
    const sent = { revision: '7', progress: progressOf('INPROGRESS', 'Trying new revision') };
    hub.silence({ kind: 'progress', report: sent });
    hub.outcome('7', progressOf('DONE', 'y'));
    hub.outcome('8', progressOf('ERROR', 'z'));
    expect(hub.due()).toEqual(['progress 7 DONE y', 'steps']);
    hub.answer({ kind: 'steps' }, { kind: 'steps', step: undefined });
    delivered(hub);
    expect(hub.state().reports.map(({ revision }) => revision)).toEqual(['8']);
    delivered(hub);
    expect(hub.state().reports).toEqual([]);
  });

  it('that are refused as nonsense are dropped; those that the server cannot take now are kept', () => {
    for (const [status, left] of [
      [400, 0],
      [500, 1],
      [429, 1],
      [403, 1],
    ] as const) {
      const hub = machine(IDLE);
      hub.outcome('7', progressOf('DONE', 'y'));
      const [report] = hub.state().reports;
      if (report !== undefined) hub.refuse({ kind: 'progress', report }, status);
      expect([status, hub.state().reports.length]).toEqual([status, left]);
    }
  });
});

describe('the next try', () => {
  const failing = (failures: number): HubState => ({ ...IDLE, failures });
  const INTERVALS = { updaterMs: 5_000 };

  it('comes after the interval when all is well, after 6 s in the phases that have none of their own', () => {
    expect(delayMsOf(IDLE, INTERVALS, 0.5)).toBe(5_000);
    expect(delayMsOf(CLAIMED, INTERVALS, 0.5)).toBe(6_000);
  });

  it('comes at random within a range that doubles, up to five minutes', () => {
    expect([1, 2, 3].map((failures) => delayMsOf(failing(failures), INTERVALS, 1))).toEqual([10_000, 20_000, 40_000]);
    expect(delayMsOf(failing(50), INTERVALS, 1)).toBe(300_000);
    expect(delayMsOf(failing(50), INTERVALS, 0)).toBe(1_000);
  });

  it('is not before what the server asks for, which is at most an hour', () => {
    expect(delayMsOf({ ...failing(1), retryAfterMs: 60_000 }, INTERVALS, 0)).toBe(60_000);
    expect(delayMsOf({ ...failing(1), retryAfterMs: 1e12 }, INTERVALS, 1)).toBeCloseTo(3_960_000);
  });
});

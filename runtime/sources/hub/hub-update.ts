/** A step of the Hub on its way to the device: retries, object metadata, downloads. Pure. */
import { type Progress, progressOf } from '../../../resources/progress.ts';
import type {
  Answer,
  Effect,
  HubEvent,
  HubSettings,
  HubState,
  HubUpdate,
  Report,
  Step,
  Transition,
  Verdict,
  WantedObject,
} from './hub-state.ts';
import { TEXT } from './hub-texts.ts';

const nothing = (state: HubState): Transition => ({ state, effects: [] });

/** Final statuses wait for weeks if they must; a device that failed more steps than this is beyond reports. */
const MAX_REPORTS = 64;

/** Queues a report; of each revision only the newest is worth delivering. */
export const queued = (state: HubState, report: Report): HubState => ({
  ...state,
  reports: [...state.reports.filter(({ revision }) => revision !== report.revision), report].slice(-MAX_REPORTS),
});

/** Sets what the update's progress is, on disk and at the Hub. */
const reported = (state: HubState, update: HubUpdate, progress: Progress): Transition => {
  const report = { revision: update.revision, progress };
  return {
    state: queued({ ...state, update: { ...update, progress } }, report),
    effects: [{ kind: 'save progress', report }],
  };
};

const given = (state: HubState, update: HubUpdate, message: string): Transition =>
  reported(state, { ...update, stage: 'final' }, progressOf('WONTGO', message, update.retries));

const stepUpdate = ({ revision, message, author }: Step, retries: number): HubUpdate => ({
  ...{ revision, message, author, retries },
  stage: 'judging',
  listings: 0,
  objects: [],
  progress: progressOf('QUEUED', '', retries),
  startedAt: 0,
});

/** A step came; while one is worked on, others wait. */
export const offered = (state: HubState, step: Step | undefined): Transition => {
  if (state.reports.some(({ revision }) => revision === step?.revision)) return nothing(state);
  if (step === undefined || (state.update !== undefined && state.update.stage !== 'final')) return nothing(state);
  return { state: { ...state, update: stepUpdate(step, step.retries) }, effects: [{ kind: 'recall', step }] };
};

/** What the disk knows of it wins over what the Hub knows. */
export const recalled = (
  state: HubState,
  { step, known, is }: Extract<HubEvent, { type: 'recalled' }>,
  { maxRetries }: HubSettings,
): Transition => {
  const before = known?.retries ?? step.retries;
  if (is !== 'new') {
    const update = stepUpdate(step, before);
    const progress = known ?? progressOf('INPROGRESS', 'Trying new revision', before);
    const stage = is === 'final' ? 'final' : 'running';
    return nothing(queued({ ...state, update: { ...update, stage, progress } }, { revision: step.revision, progress }));
  }
  const retries = before + 1;
  const update = stepUpdate(step, retries);
  if (retries >= maxRetries) return given(state, update, TEXT.processedTooOften);
  const progress = progressOf('QUEUED', TEXT.retried(retries, maxRetries), retries);
  const next = reported(state, update, progress);
  return { ...next, effects: [...next.effects, { kind: 'judge', revision: step.revision, progress }] };
};

export const judged = (
  state: HubState,
  { revision, verdict }: { readonly revision: string; readonly verdict: Verdict },
): Transition => {
  const { update } = state;
  if (update?.revision !== revision || update.stage !== 'judging') return nothing(state);
  if (verdict.is === 'rejected') return given(state, update, verdict.message);
  if (verdict.missing.length === 0) return proposed(state, update);
  const objects = verdict.missing.map(
    (id): WantedObject => ({ id, is: 'listed', sizeBytes: 0, url: '', doneBytes: 0 }),
  );
  return nothing({ ...state, update: { ...update, stage: 'metadata', listings: 0, objects } });
};

const proposed = (state: HubState, update: HubUpdate): Transition => ({
  state: { ...state, update: { ...update, stage: 'running' } },
  effects: [{ kind: 'propose', revision: update.revision }],
});

const TEXT_OF = { metadata: TEXT.listing, downloading: TEXT.downloading } as const;

const downloadsOf = ({ objects, startedAt }: HubUpdate, atSeconds: number): object => {
  const sum = (of: (object: WantedObject) => number): number =>
    objects.reduce((total, object) => total + of(object), 0);
  const total = {
    object_name: 'total',
    object_id: 'none',
    total_size: sum(({ sizeBytes }) => sizeBytes),
    total_downloaded: sum(({ doneBytes }) => doneBytes),
    start_time: startedAt,
    current_time: atSeconds,
  };
  return { total };
};

/** The progress while objects are listed or fetched; `atSeconds` since 1970. */
export const transferProgress = (update: HubUpdate, maxRetries: number, atSeconds: number): Progress => {
  if (update.stage === 'downloading') {
    const progress = progressOf('DOWNLOADING', TEXT.downloading(update.retries, maxRetries), update.retries);
    return { ...progress, downloads: downloadsOf(update, atSeconds) };
  }
  return progressOf('QUEUED', TEXT.listing(update.retries, maxRetries), update.retries);
};

const downloadedIn = ({ downloads }: Progress): unknown =>
  (downloads as { readonly total?: { readonly total_downloaded?: unknown } } | undefined)?.total?.total_downloaded;

/** Reports how many bytes have come, if more have; that is not worth a write to flash. */
export const counted = (state: HubState, atSeconds: number, { maxRetries }: HubSettings): HubState => {
  const { update } = state;
  if (update?.stage !== 'downloading') return state;
  const progress = transferProgress(update, maxRetries, atSeconds);
  if (downloadedIn(progress) === downloadedIn(update.progress)) return state;
  return queued({ ...state, update: { ...update, progress } }, { revision: update.revision, progress });
};

const isBusy = ({ is }: WantedObject): boolean => is === 'asked' || is === 'fetching';

/**
 * Begins what may be begun of a listing. When nothing is left to ask for but what failed, that is listed anew, which
 * costs a retry, except for the first listing of a stage.
 */
export const transfers = (state: HubState, { maxRetries, maxTransfers }: HubSettings): Transition => {
  const { update } = state;
  if (update === undefined || (update.stage !== 'metadata' && update.stage !== 'downloading')) return nothing(state);
  const ready = update.stage === 'metadata' ? 'listed' : 'known';
  let { objects, retries, listings } = update;
  if (!objects.some((object) => object.is === ready || isBusy(object))) {
    objects = objects.map((object) => (object.is === 'dropped' ? { ...object, is: ready } : object));
    retries += listings === 0 ? 0 : 1;
    listings += 1;
  } else if (listings === 0) listings = 1;
  const next: HubUpdate = { ...update, objects, retries, listings };
  if (retries > maxRetries) return given(state, next, TEXT.downloadedTooOften);
  const free = Math.max(0, maxTransfers - objects.filter(isBusy).length);
  const chosen = objects.filter(({ is }) => is === ready).slice(0, free);
  const ids = new Set(chosen.map(({ id }) => id));
  const begun = ready === 'listed' ? 'asked' : 'fetching';
  const working = objects.map((object) =>
    ids.has(object.id) ? { ...object, is: begun as WantedObject['is'] } : object,
  );
  const effects = chosen.map(
    ({ id, url, sizeBytes }): Effect =>
      ready === 'listed' ? { kind: 'object', id } : { kind: 'download', id, url, sizeBytes },
  );
  const text = TEXT_OF[update.stage](retries, maxRetries);
  const updated = { ...state, update: { ...next, objects: working } };
  if (update.progress['status-msg'] === text) return { state: updated, effects };
  const progress = transferProgress(updated.update, maxRetries, update.startedAt);
  const told = reported(updated, updated.update, progress);
  return { state: told.state, effects: [...told.effects, ...effects] };
};

const withObject = (update: HubUpdate, id: string, change: Partial<WantedObject>): HubUpdate => ({
  ...update,
  objects: update.objects.map((object) => (object.id === id ? { ...object, ...change } : object)),
});

export const objectKnown = (
  state: HubState,
  { id, sizeBytes, url }: Extract<Answer, { kind: 'object' }>,
): Transition => {
  if (state.update?.stage !== 'metadata') return nothing(state);
  const update = withObject(state.update, id, { is: 'known', sizeBytes, url });
  if (update.objects.some(({ is }) => is !== 'known')) return nothing({ ...state, update });
  const bytes = update.objects.reduce((sum, object) => sum + object.sizeBytes, 0);
  const { revision } = update;
  return {
    state: { ...state, update: { ...update, stage: 'room' } },
    effects: [{ kind: 'make room', revision, bytes }],
  };
};

export const roomMade = (
  state: HubState,
  { revision, availableBytes, neededBytes, atSeconds }: Extract<HubEvent, { type: 'room made' }>,
  settings: HubSettings,
): Transition => {
  const { update } = state;
  if (update?.revision !== revision || update.stage !== 'room') return nothing(state);
  if (neededBytes > availableBytes) return given(state, update, TEXT.noRoom(neededBytes, availableBytes));
  const next: HubUpdate = { ...update, stage: 'downloading', listings: 0, startedAt: atSeconds };
  return transfers({ ...state, update: next }, settings);
};

/** An object is whole and verified. */
export const objectStored = (state: HubState, id: string, settings: HubSettings): Transition => {
  if (state.update?.stage !== 'downloading') return nothing(state);
  const stored = state.update.objects.find((object) => object.id === id);
  const update = withObject(state.update, id, { is: 'stored', doneBytes: stored?.sizeBytes ?? 0 });
  if (update.objects.every(({ is }) => is === 'stored')) return proposed(state, update);
  // Only what was not tried in this listing goes on at once; what failed waits for the timer.
  const more = update.objects.some(({ is }) => is === 'known');
  return more ? transfers({ ...state, update }, settings) : nothing({ ...state, update });
};

/** A request for an object failed. @param free nobody answered, which is no reason to give a step up */
export const objectFailed = (state: HubState, id: string, free: boolean): HubState => {
  const { update } = state;
  if (update === undefined) return state;
  const object = update.objects.find((each) => each.id === id);
  if (object === undefined || !isBusy(object)) return state;
  const again = object.is === 'asked' ? 'listed' : 'known';
  return { ...state, update: withObject(update, id, { is: free ? again : 'dropped' }) };
};

/** Bytes arrived; the Hub is told with the next tick. */
export const loaded = (state: HubState, id: string, bytes: number): HubState =>
  state.update === undefined ? state : { ...state, update: withObject(state.update, id, { doneBytes: bytes }) };

const isSameReport = (a: Progress, b: Progress): boolean =>
  a.status === b.status && a['status-msg'] === b['status-msg'] && a.logs === b.logs;

/** What the device says of a revision: of the one that is worked on, or of an earlier one that ends late. */
export const outcome = (
  state: HubState,
  { revision, progress, refused }: Extract<HubEvent, { type: 'outcome' }>,
  isFinal: (progress: Progress) => boolean,
): HubState => {
  const { update } = state;
  const isCurrent = update?.revision === revision && update.stage !== 'final';
  if (refused) return isCurrent ? { ...state, update: { ...update, stage: 'refused' } } : state;
  // The disk may have said so before the device did.
  const isKnown = update?.revision === revision && update.stage === 'final' && isSameReport(update.progress, progress);
  if (isKnown) return state;
  const retries = isCurrent ? update.retries : progress.retries;
  const told = { ...progress, retries };
  const next = isCurrent
    ? {
        ...state,
        update: { ...update, progress: told, stage: isFinal(progress) ? ('final' as const) : ('running' as const) },
      }
    : state;
  return queued(next, { revision, progress: told });
};

import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import jsonPatch from 'fast-json-patch';
import { Subject, VirtualTimeScheduler } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { act } from '../../../resources/plan.ts';
import type { Snapshot } from '../../../resources/snapshot.ts';
import { type StatusView, statusView } from '../../../runtime/api/status.ts';
import { EMPTY_TIMELINE, type StatusNames } from '../../../runtime/api/status-timeline.ts';
import { startWatch, type Watch } from '../../../runtime/api/status-watch.ts';
import { viewOfDocument, type WatchDocument, watchDocumentOf } from '../../../runtime/api/watch-document.ts';
import { container, snapshotOf } from './fixture.ts';

const STILL = snapshotOf([container('b', { order: 1 }), container('a', { order: 2 })]);
const moving = (reason: string): Snapshot => ({
  ...STILL,
  plans: { ...STILL.plans, 'container/a': act({ type: 'container.remove', ref: 'container/a' }, reason) },
});

let seconds: number;
let snapshot: Snapshot;
let changes: Subject<void>;
let scheduler: VirtualTimeScheduler;
let watch: Watch;

/** Looked at later every time; all other times of the document stand still. */
const view = (): StatusView => {
  seconds += 1;
  const names: StatusNames = { containerStatusName: () => 'STARTED', groupStatusName: () => 'READY' };
  const still = statusView(snapshot, EMPTY_TIMELINE, { nowMs: 0, wallTime: new Date(0) }, names);
  return { ...still, time: new Date(seconds * 1000).toISOString() };
};

beforeEach(() => {
  seconds = 0;
  snapshot = STILL;
  changes = new Subject();
  scheduler = new VirtualTimeScheduler();
  watch = startWatch(view, changes, { session: 's', scheduler });
});

/** A watcher: what it was sent, as events. */
const watcher = (lastEventId?: string) => {
  const events: { id: string; name: string; data: WatchDocument & jsonPatch.Operation[] }[] = [];
  const outgoing = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    write: (text: string) => {
      for (const event of text.split('\n\n').filter((part) => part !== '')) {
        const [id = '', name = '', data = ''] = event.split('\n').map((line) => line.replace(/^\w+: /, ''));
        events.push({ id, name, data: JSON.parse(data) });
      }
    },
  });
  watch.stream(outgoing as unknown as ServerResponse, lastEventId); // all that the stream uses of one
  return { events, outgoing };
};

const show = (next: Snapshot): void => {
  snapshot = next;
  changes.next();
  scheduler.flush();
};

describe('a watcher', () => {
  it('is told the whole document, then what changed', () => {
    const { events } = watcher();
    show(moving('not wanted'));
    expect(events.map(({ id, name }) => `${id} ${name}`)).toEqual(['s.0 snapshot', 's.1 patch']);
    const [first, second] = events;
    const patched = jsonPatch.applyPatch(structuredClone(first?.data), second?.data ?? [], true, false).newDocument;
    expect(patched?.resources['container/a']).toMatchObject({ outcome: 'acting', reason: 'not wanted' });
    expect(
      second?.data.every(
        ({ path }) => path === '/time' || path.startsWith('/resources/container~1a') || path.startsWith('/progress'),
      ),
    ).toBe(true);
  });

  it('is told nothing when nothing but the time changed', () => {
    const { events } = watcher();
    show(STILL);
    expect(events).toHaveLength(1);
  });

  it('that comes back gets only what it missed', () => {
    const { events } = watcher();
    show(moving('one'));
    show(moving('two'));
    expect(watcher('s.1').events.map(({ id, name }) => `${id} ${name}`)).toEqual(['s.2 patch']);
    expect(watcher('s.2').events).toEqual([]);
    expect(events).toHaveLength(3);
  });

  it('that was away while nobody watched gets what changed since', () => {
    const { outgoing } = watcher();
    outgoing.emit('close');
    show(moving('unseen'));
    expect(watcher('s.0').events.map(({ name }) => name)).toEqual(['patch']);
  });

  it.each(['s.9', 'other.0', 's.', 's.-1', 'x'])('with the unknown id %s gets the whole document', (id) => {
    watcher();
    expect(watcher(id).events.map(({ name }) => name)).toEqual(['snapshot']);
  });

  it('that was away too long gets the whole document', () => {
    watcher();
    for (let count = 0; count < 70; count += 1) show(moving(`change ${count}`));
    expect(watcher('s.0').events.map(({ name }) => name)).toEqual(['snapshot']);
    expect(watcher('s.60').events).toHaveLength(10);
  });

  it('that reads slowly is brought up to date when it has read', () => {
    const { events, outgoing } = watcher();
    outgoing.writableNeedDrain = true;
    for (let count = 0; count < 70; count += 1) show(moving(`change ${count}`));
    expect(events).toHaveLength(1);
    outgoing.writableNeedDrain = false;
    outgoing.emit('drain');
    expect(events.map(({ name }) => name)).toEqual(['snapshot', 'snapshot']);
  });

  it('that left costs nothing', () => {
    const { outgoing } = watcher();
    expect(changes.observed).toBe(true);
    outgoing.emit('close');
    expect(changes.observed).toBe(false);
  });
});

it('a document gives back its view, in order', () => {
  const before = view();
  expect(viewOfDocument(watchDocumentOf(before))).toEqual(before);
});

import { describe, expect, it } from 'vitest';
import { doneText } from '../../../reconcilers/kinds.ts';
import { renderExplanation, renderHistory } from '../../../runtime/cli/pvcontrol/history-text.ts';
import { chainOf, deedsOf } from '../../../runtime/history/explanation.ts';
import type { Entry } from '../../../runtime/history/history-entry.ts';
import { type RevisionRecord, revisionRecords } from '../../../runtime/history/revision-record.ts';

const START_MS = Date.UTC(2024, 0, 1);
let id = 0;
const at = (atMs: number, changes: Partial<Entry>): Entry => {
  id += 1;
  const time = new Date(START_MS + atMs).toISOString();
  return { id, boot: 'boot-one', atMs, time, kind: 'done', reason: '', because: [], ...changes };
};
const proposed = (atMs: number, about: string): Entry => at(atMs, { kind: 'proposed', about, from: 'incoming/b.json' });
const update = (atMs: number, action: Entry['action'], about: string, reason = ''): Entry =>
  at(atMs, { ref: 'update/device', about, reason, ...(action === undefined ? {} : { action }) });

const short = ({ revision, outcome, reason, phases }: RevisionRecord): unknown[] => [
  revision,
  outcome,
  reason,
  Object.values(phases),
];

describe('the history of revisions', () => {
  it.each<[string, () => Entry[], unknown[][]]>([
    [
      'was committed',
      () => [
        proposed(0, 'locals/b'),
        update(100, 'update.try', 'locals/b'),
        update(2_100, 'update.test', 'locals/b'),
        update(7_100, 'update.commit', 'locals/b', 'it stayed stable'),
      ],
      [['locals/b', 'committed', 'it stayed stable', [100, 2_000, 5_000]]],
    ],
    [
      'was rolled back',
      () => [
        proposed(0, 'locals/b'),
        update(100, 'update.try', 'locals/b'),
        update(30_100, 'update.rollBack', 'locals/b', 'Status goal not reached: x'),
      ],
      [['locals/b', 'given-up', 'Status goal not reached: x', [100, 30_000, null]]],
    ],
    [
      'was superseded',
      () => [
        update(0, 'update.try', 'locals/a'),
        proposed(50, 'locals/b'),
        update(100, 'update.try', 'locals/b', 'superseded by locals/b'),
      ],
      [
        ['locals/b', 'trying', '', [50, null, null]],
        ['locals/a', 'given-up', 'superseded by locals/b', [null, 100, null]],
      ],
    ],
    [
      'was not tried again',
      () => [proposed(0, 'locals/b'), at(5, { kind: 'stalled', ref: 'update/device', reason: 'tried before' })],
      [['locals/b', 'refused', 'tried before', [null, null, null]]],
    ],
    [
      'was tried again, when the refusal of the proposal before it came in between',
      () => [
        proposed(0, 'locals/b'),
        update(10, 'update.try', 'locals/b'),
        update(20, 'update.rollBack', 'locals/b', 'it broke'),
        proposed(30, 'locals/b'),
        at(31, { kind: 'stalled', ref: 'update/device', reason: 'tried before' }),
        update(40, 'update.try', 'locals/b'),
      ],
      [
        ['locals/b', 'trying', '', [10, null, null]],
        ['locals/b', 'given-up', 'it broke', [10, 10, null]],
      ],
    ],
    [
      'was tried twice',
      () => [
        update(0, 'update.try', 'locals/a'),
        update(10, 'update.commit', 'locals/a'),
        proposed(20, 'locals/a'),
        update(30, 'update.try', 'locals/a'),
      ],
      [
        ['locals/a', 'trying', '', [10, null, null]],
        ['locals/a', 'committed', '', [null, 10, null]],
      ],
    ],
    [
      'is only half remembered',
      () => [update(30_100, 'update.rollBack', 'locals/b', 'it crashed')],
      [['locals/b', 'given-up', 'it crashed', [null, null, null]]],
    ],
  ])('tells of one that %s', (_, entries, expected) => {
    expect(revisionRecords(entries()).map(short)).toEqual(expected);
  });

  it('counts by the wall clock where the monotonic one started anew', () => {
    const tried = update(100_000, 'update.try', 'locals/b');
    const back = { ...update(103_000, 'update.rollBack', 'locals/b'), boot: 'boot-two', atMs: 5_000 };
    expect(revisionRecords([tried, back])[0]?.phases.startingMs).toBe(3_000);
  });

  it('is a table for people', () => {
    const entries = [
      proposed(0, 'locals/b'),
      update(100, 'update.try', 'locals/b'),
      update(12_100, 'update.rollBack', 'locals/b', 'bad\u001b[31m'),
    ];
    expect(renderHistory(revisionRecords(entries))).toBe(
      [
        'WHEN                  REVISION  OUTCOME   FROM             TOOK                        REASON',
        '2024-01-01T00:00:12Z  locals/b  given-up  incoming/b.json  waited 0.1 s, started 12 s  bad [31m',
      ].join('\n'),
    );
    expect(renderHistory([])).toBe('No revision was tried yet.');
  });
});

describe('an explanation', () => {
  const web = (because: readonly number[], reason: string): Entry =>
    at(0, { kind: 'changed', ref: 'container/web', reason, because });

  it('tells each thing once, the last cause first', () => {
    const first = web([], 'one');
    const left = at(0, { kind: 'changed', ref: 'volume/web/a', reason: 'two', because: [first.id] });
    const right = at(0, { kind: 'changed', ref: 'volume/web/b', reason: 'three', because: [first.id] });
    const last = web([left.id, right.id], 'four');
    const deeds = deedsOf('container/web', [first, left, right, last], doneText);
    expect(deeds.map(chainOf)).toEqual([['container web four', 'volume web/b three', 'container web one']]);
    expect(renderExplanation({ ref: 'container/web', now: 'is as it should be', deeds })).toBe(
      [
        'container/web is as it should be',
        '',
        '2024-01-01T00:00:00Z  container web four',
        '2024-01-01T00:00:00Z  └ volume web/b three',
        '2024-01-01T00:00:00Z    └ container web one',
        '2024-01-01T00:00:00Z  └ volume web/a two',
      ].join('\n'),
    );
  });

  it('ends, even if somebody wrote a log that goes round in circles or is endless', () => {
    const [a, b] = [web([], 'a'), web([], 'b')];
    const circle = [
      { ...a, because: [b.id, a.id] },
      { ...b, because: [a.id, 999_999] },
    ];
    expect(deedsOf('container/web', circle, doneText).map(chainOf)).toEqual([['container web b', 'container web a']]);
    const long: Entry[] = [];
    for (let at = 0; at < 5_000; at++) long.push(web(long.length === 0 ? [] : [long.at(-1)?.id ?? 0], 'on'));
    const deeds = deedsOf('container/web', long, doneText);
    expect(deeds.length).toBeLessThanOrEqual(10);
    expect(Math.max(...deeds.map((deed) => chainOf(deed).length))).toBeLessThanOrEqual(24);
  });

  it('says so when it knows nothing', () => {
    expect(renderExplanation({ ref: 'container/web', now: 'is as it should be', deeds: [] })).toContain(
      'Nothing is known',
    );
  });
});

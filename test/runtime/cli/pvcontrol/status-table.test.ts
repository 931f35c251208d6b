import { describe, expect, it } from 'vitest';
import { CONVERGED, stall, waitFor } from '../../../../resources/plan.ts';
import { statusView } from '../../../../runtime/api/status.ts';
import { EMPTY_TIMELINE, nextTimeline, type StatusNames } from '../../../../runtime/api/status-timeline.ts';
import { agoText } from '../../../../runtime/cli/pvcontrol/duration-text.ts';
import { renderStatus } from '../../../../runtime/cli/pvcontrol/status-table.ts';
import { container, group, snapshotOf } from '../../api/fixture.ts';

const names: StatusNames = { containerStatusName: () => 'STARTED', groupStatusName: () => 'READY' };
const time = { nowMs: 0, wallTime: new Date('2024-05-01T00:00:00Z') };
const PLAIN = { colour: false, width: 80 };

const snapshot = snapshotOf(
  [
    container('web', { group: 'group/app', order: 0 }),
    container('db', { group: 'group/platform', order: 1, statusGoal: 'READY' }),
    container('ui', { group: 'group/app', order: 2 }),
  ],
  [group('platform', { order: 0 }), group('app', { order: 1 })],
  {
    plans: {
      'group/platform': CONVERGED,
      'group/app': CONVERGED,
      'container/web': CONVERGED,
      'container/ui': CONVERGED,
      'container/db': waitFor([], 'not READY yet'),
      'disk/d': stall('dm-crypt: not \u001b[31msupported yet'),
    },
  },
);
const view = statusView(snapshot, nextTimeline(EMPTY_TIMELINE, snapshot, time, names), time, names);

describe('the status table', () => {
  it('shows containers in the order of their groups, and what else is not as desired', () => {
    const lines = renderStatus(view, { ...PLAIN, now: new Date('2024-05-01T00:03:12Z') }).split('\n');
    expect(lines[0]).toBe('locals/a  running  4/6 as desired');
    expect(lines.slice(5).map((line) => line.trimEnd())).toEqual([
      'GROUP     CONTAINER  STATUS   GOAL     SINCE   REASON',
      'platform  db         STARTED  READY    3m 12s  not READY yet',
      'app       web        STARTED  STARTED  3m 12s',
      '          ui         STARTED  STARTED  3m 12s',
      '',
      'disk/d stalled: dm-crypt: not  [31msupported yet',
    ]);
  });

  it('colours nothing unless told to', () => {
    expect(renderStatus(view, PLAIN)).not.toContain('\u001b');
    expect(renderStatus(view, { ...PLAIN, colour: true })).toContain('\u001b');
  });

  it('wraps reasons instead of breaking lines', () => {
    const long = {
      ...view,
      conditions: [],
      resources: view.resources.map((one) => ({ ...one, reason: 'word '.repeat(30) })),
    };
    const table = renderStatus(
      { ...long, resources: long.resources.filter(({ kind }) => kind === 'container') },
      PLAIN,
    );
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says so when there are no containers', () => {
    expect(renderStatus({ ...view, resources: [] }, PLAIN)).toContain('No containers.');
  });
});

it.each([
  ['2024-05-01T00:00:59Z', '59s'],
  ['2024-05-01T00:01:00Z', '1m 0s'],
  ['2024-05-01T02:05:00Z', '2h 5m'],
  ['2024-05-05T01:00:00Z', '4d 1h'],
  ['2024-04-01T00:00:00Z', '0s'],
])('from midnight to %s is %s', (now, text) => {
  expect(agoText('2024-05-01T00:00:00Z', new Date(now))).toBe(text);
});

import { expect, test } from 'vitest';
import type { ContainerStatusName } from '../../../resources/kinds/goal.ts';
import { statusView } from '../../../runtime/api/status.ts';
import { EMPTY_TIMELINE } from '../../../runtime/api/status-timeline.ts';
import { steadyTime } from '../../../runtime/api/steady-time.ts';
import { running, snapshotOf } from '../../reconcilers/given.ts';

const WEB = 'container/web';
const BOOTED_MS = Date.UTC(2030, 0, 1);

/** As the machine's: the wall clock is read a little later, in whole milliseconds. */
const clocks = () => {
  const at = { nowMs: 1_000.3, lateMs: 0, setMs: 0 };
  const time = steadyTime({
    nowMs: () => at.nowMs,
    wallTime: () => new Date(Math.floor(BOOTED_MS + at.nowMs + at.lateMs + at.setMs)),
  });
  return { at, time };
};

test('what happened once is told to have happened at the same time whenever it is told', () => {
  const { at, time } = clocks();
  const lastActions = {
    [WEB]: { action: 'container.start', reason: '', startedAtMs: 700.6, finishedAtMs: 900.9 },
  } as const;
  const snapshot = snapshotOf({ observed: { [WEB]: running() }, lastActions });
  const started = (): ContainerStatusName => 'STARTED';
  const names = { containerStatusName: started, groupStatusName: started };
  const told = new Set<string | undefined>();
  for (let step = 0; step < 200; step += 1) {
    at.nowMs += 17.37;
    at.lateMs = (step % 3) * 0.7;
    const view = statusView(snapshot, EMPTY_TIMELINE, time(), names);
    told.add(view.resources.find(({ ref }) => ref === WEB)?.lastAction?.at);
  }
  expect([...told]).toHaveLength(1);
});

test('a clock that was set is followed', () => {
  const { at, time } = clocks();
  time();
  at.setMs = 3_600_000;
  expect(time().wallTime.getTime()).toBe(BOOTED_MS + 1_000 + 3_600_000);
});

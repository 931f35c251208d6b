import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { tallyActions } from '../../../runtime/api/action-tally.ts';
import { metricsPage } from '../../../runtime/api/metrics.ts';
import { statusView } from '../../../runtime/api/status.ts';
import { EMPTY_TIMELINE, type StatusNames } from '../../../runtime/api/status-timeline.ts';
import type { Event } from '../../../runtime/engine/event.ts';
import { container, group, running, snapshotOf } from './fixture.ts';

const TIME = { nowMs: 60_000, wallTime: new Date('2024-01-01T00:01:00Z') };
const NAMES: StatusNames = { containerStatusName: () => 'READY', groupStatusName: () => 'READY' };

describe('a page of metrics', () => {
  const snapshot = snapshotOf([container('web')], [group('app')], {
    observed: { 'container/web': running({ startedAtMs: 30_000, retries: 2 }) },
  });
  const view = statusView(snapshot, EMPTY_TIMELINE, TIME, NAMES);
  const LOGS = [{ platform: 'web', received: 7, lost: 2 }];
  const page = (actions: Parameters<ReturnType<typeof metricsPage>>[0]['actions'] = []): Promise<string> =>
    metricsPage(NAMES)({ snapshot, view, actions, logs: LOGS, ...TIME });

  it.each([
    'pantavisor_resources{kind="container",outcome="converged"} 1',
    'pantavisor_container_status{container="web",group="app",status="READY"} 1',
    'pantavisor_container_retries{container="web"} 2',
    'pantavisor_container_start_time_seconds{container="web"} 1704067230',
    'pantavisor_update_phase{phase="running"} 1',
    'pantavisor_update_phase{phase="trying"} 0',
    'pantavisor_failed_revisions 0',
    'pantavisor_log_records_total{platform="web"} 7',
    'pantavisor_log_records_lost_total{platform="web"} 2',
    '# TYPE pantavisor_actions_total counter',
    '# TYPE process_resident_memory_bytes gauge',
  ])('says %s', async (line) => {
    expect((await page()).split('\n')).toContain(line);
  });

  it('forgets what is gone by the next scrape, and counts nothing twice', async () => {
    const render = metricsPage(NAMES);
    const actions = [{ action: 'container.start', result: 'done', count: 3, seconds: 0.5 }] as const;
    await render({ snapshot, view, actions, logs: LOGS, ...TIME });
    const empty = snapshotOf([]);
    const text = await render({
      snapshot: empty,
      view: statusView(empty, EMPTY_TIMELINE, TIME, NAMES),
      actions,
      logs: [],
      ...TIME,
    });
    expect(text).not.toContain('container="web"');
    expect(text).toContain('pantavisor_actions_total{action="container.start",result="done"} 3');
    expect(text).toContain('pantavisor_action_seconds_total{action="container.start",result="done"} 0.5');
  });
});

it('actions are counted by result, with the time they took', () => {
  const events = new Subject<Event>();
  const tally = tallyActions(events);
  const action = { type: 'container.unfreeze', ref: 'container/web' } as const;
  const [reason, message] = ['', ''];
  events.next({ type: 'action.started', action, reason, because: [], atMs: 1000 });
  events.next({ type: 'action.succeeded', action, reason, atMs: 1500 });
  events.next({ type: 'action.started', action, reason, because: [], atMs: 2000 });
  events.next({ type: 'action.failed', action, reason, atMs: 2250, code: 'EBUSY', message });
  events.next({ type: 'action.started', action, reason, because: [], atMs: 3000 });
  events.next({ type: 'action.succeeded', action, reason, atMs: 3500 });
  expect(tally.counts()).toEqual([
    { action: 'container.unfreeze', result: 'done', count: 2, seconds: 1 },
    { action: 'container.unfreeze', result: 'EBUSY', count: 1, seconds: 0.25 },
  ]);
  tally.stop();
  expect(events.observed).toBe(false);
});

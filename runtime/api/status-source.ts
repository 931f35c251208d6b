/** The status document now and as a stream: keeps the timeline while the servers run. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asyncScheduler, auditTime } from 'rxjs';
import type { Reply } from '../http/reply.ts';
import { tallyActions } from './action-tally.ts';
import type { Condition } from './conditions.ts';
import type { metricsPage } from './metrics.ts';
import type { ApiDeps } from './ports.ts';
import { type StatusView, statusView } from './status.ts';
import { EMPTY_TIMELINE, nextTimeline } from './status-timeline.ts';
import type { Watch } from './status-watch.ts';
import { steadyTime } from './steady-time.ts';

export interface StatusSource {
  readonly view: () => StatusView;
  readonly conditions: () => readonly Condition[];
  /** Server-sent events; see watch.ts. */
  readonly watch: (request: { readonly incoming: IncomingMessage }) => Promise<Reply>;
  /** In Prometheus' text format; see metrics.ts. */
  readonly metrics: () => Promise<Reply>;
  readonly stop: () => void;
}

/** A device that starts changes thousands of times in a second; no status is told more exactly than this. */
const FOLLOW_INTERVAL_MS = 50;

const PROMETHEUS = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' };
const EVENT_STREAM = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' };

export const startStatus = (deps: ApiDeps): StatusSource => {
  const time = steadyTime(deps);
  let timeline = EMPTY_TIMELINE;
  const follow = (): void => {
    timeline = nextTimeline(timeline, deps.snapshot(), time(), deps);
  };
  follow();
  const following = deps.changes.pipe(auditTime(FOLLOW_INTERVAL_MS)).subscribe(follow);
  const view = (): StatusView => {
    follow();
    return statusView(deps.snapshot(), timeline, time(), deps);
  };

  const tally = tallyActions(deps.events);
  let page: ReturnType<typeof metricsPage> | undefined;
  let watch: Watch | undefined;
  const session = deps.wallTime().getTime().toString(36);
  return {
    view,
    conditions: () => {
      follow();
      return timeline.conditions;
    },
    watch: async ({ incoming }) => {
      // Most daemons are never watched: what patches are made with is loaded by the first who asks.
      const { startWatch } = await import('./status-watch.ts');
      watch ??= startWatch(view, deps.changes, { session, scheduler: asyncScheduler });
      const { stream } = watch;
      const last = incoming.headers['last-event-id'];
      return {
        status: 200,
        headers: EVENT_STREAM,
        stream: (outgoing) => {
          keepOpen(outgoing);
          stream(outgoing, typeof last === 'string' ? last : undefined);
        },
      };
    },
    metrics: async () => {
      const metrics = await import('./metrics.ts');
      page ??= metrics.metricsPage(deps);
      const scrape = { snapshot: deps.snapshot(), view: view(), actions: tally.counts(), logs: deps.logs(), ...time() };
      return { status: 200, headers: PROMETHEUS, body: await page(scrape) };
    },
    stop: () => {
      following.unsubscribe();
      tally.stop();
    },
  };
};

const keepOpen = ({ socket }: ServerResponse): void => {
  socket?.setTimeout(0); // a quiet device is no idle connection
  // Half-closed connections live on (server.ts): a watcher who left would be noticed at the next change only.
  socket?.once('end', () => socket.destroy());
};

/** The status document now and as a stream: keeps the timeline while the servers run. */
import { streamSSE } from 'hono/streaming';
import { auditTime, type Observable, type Subscription } from 'rxjs';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { ApiDeps } from './deps.ts';
import type { ApiContext } from './endpoint.ts';
import { type StatusView, statusView } from './status.ts';
import { EMPTY_TIMELINE, nextTimeline } from './timeline.ts';

export interface StatusSource {
  readonly view: () => StatusView;
  /** Server-sent events: a whole document now and after every change, at most one in 200 ms. */
  readonly watch: (context: ApiContext) => Response;
  readonly stop: () => void;
}

const WATCH_INTERVAL_MS = 200;
/** A device that starts changes thousands of times in a second; no status is told more exactly than this. */
const FOLLOW_INTERVAL_MS = 50;

/** Resolves when something changed since the last call; changes in between are one. */
const changeAwaiter = (changes: Observable<Snapshot>): { next: () => Promise<void>; subscription: Subscription } => {
  let isPending = false;
  let wake = (): void => {};
  const notice = (): void => {
    isPending = true;
    wake();
  };
  const subscription = changes.subscribe(notice);
  isPending = false; // the latest snapshot, which comes at once, is what the stream begins with
  subscription.add(notice); // unsubscribing ends a wait, or the stream's loop would hang
  const next = async (): Promise<void> => {
    if (!isPending)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    isPending = false;
  };
  return { next, subscription };
};

export const startStatus = (deps: ApiDeps): StatusSource => {
  const time = () => ({ nowMs: deps.nowMs(), wallTime: deps.wallTime() });
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

  const watch = (context: ApiContext): Response => {
    const { socket } = context.env.incoming;
    socket.setTimeout(0); // a quiet device is no idle connection
    // Half-closed connections live on (server.ts): a watcher who left would be noticed at the next change only.
    socket.once('end', () => socket.destroy());
    return streamSSE(context, async (stream) => {
      const { next, subscription } = changeAwaiter(deps.changes);
      stream.onAbort(() => subscription.unsubscribe());
      while (!stream.aborted && !subscription.closed) {
        await stream.writeSSE({ data: JSON.stringify(view()) });
        await stream.sleep(WATCH_INTERVAL_MS);
        await next();
      }
    });
  };
  return { view, watch, stop: () => following.unsubscribe() };
};

/** The status document now and as a stream: keeps the timeline while the servers run. */
import type { ServerResponse } from 'node:http';
import { asyncScheduler, auditTime, distinctUntilChanged, startWith, throttleTime } from 'rxjs';
import type { ApiDeps } from './deps.ts';
import type { Reply } from './reply.ts';
import { type StatusView, statusView } from './status.ts';
import { EMPTY_TIMELINE, nextTimeline } from './timeline.ts';

export interface StatusSource {
  readonly view: () => StatusView;
  /** Server-sent events: a whole document now and after every change, at most one in 200 ms. */
  readonly watch: () => Reply;
  readonly stop: () => void;
}

const WATCH_INTERVAL_MS = 200;
/** A device that starts changes thousands of times in a second; no status is told more exactly than this. */
const FOLLOW_INTERVAL_MS = 50;

const EVENT_STREAM = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' };

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

  const stream = (outgoing: ServerResponse): void => {
    keepOpen(outgoing);
    outgoing.writeHead(200, EVENT_STREAM);
    let isMissed = false;
    const tell = (): void => {
      // A watcher who reads slowly gets the newest document when he is ready, not all of them.
      isMissed = outgoing.writableNeedDrain;
      if (!isMissed) outgoing.write(`data: ${JSON.stringify(view())}\n\n`);
    };
    outgoing.on('drain', () => isMissed && tell());
    const changes = deps.changes.pipe(
      startWith(deps.snapshot()),
      distinctUntilChanged(),
      throttleTime(WATCH_INTERVAL_MS, asyncScheduler, { leading: true, trailing: true }),
    );
    const watching = changes.subscribe(tell);
    outgoing.once('close', () => watching.unsubscribe());
  };
  return { view, watch: () => ({ stream }), stop: () => following.unsubscribe() };
};

const keepOpen = ({ socket }: ServerResponse): void => {
  socket?.setTimeout(0); // a quiet device is no idle connection
  // Half-closed connections live on (server.ts): a watcher who left would be noticed at the next change only.
  socket?.once('end', () => socket.destroy());
};

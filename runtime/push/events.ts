/**
 * `GET /v1/events`: how revisions fare and in what condition the device is, first as it is, then whenever it changes. A
 * watcher who comes back is told how it is now: nothing is remembered for those who are away.
 */
import type { ServerResponse } from 'node:http';
import { asyncScheduler, throttleTime } from 'rxjs';
import { eventText, openStream } from './event-stream.ts';
import type { PushEndpoint } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { reportView } from './replies.ts';

const EVERY_MS = 200;

const follow = (port: PushPort, outgoing: ServerResponse): void => {
  const told = new Map<string, string>();
  const tell = (): void => {
    // Who reads slowly is not sent a growing queue; it hears how things are when it has caught up.
    if (outgoing.writableNeedDrain) return;
    const texts = [
      ...[...port.reports()].map(
        ([revision, report]) =>
          [`progress ${revision}`, eventText('progress', { revision, ...reportView(report) })] as const,
      ),
      ...port
        .conditions()
        .map((condition) => [`condition ${condition.type}`, eventText('condition', condition)] as const),
    ];
    for (const [key, text] of texts) if (told.get(key) !== text) outgoing.write(text);
    told.clear(); // revisions that nobody knows any more are forgotten
    for (const [key, text] of texts) told.set(key, text);
  };
  tell();
  const following = port.changes
    .pipe(throttleTime(EVERY_MS, asyncScheduler, { leading: true, trailing: true }))
    .subscribe(tell);
  outgoing.on('drain', tell);
  outgoing.once('close', () => following.unsubscribe());
};

export const eventsEndpoint = (port: PushPort): PushEndpoint => ({
  path: '/v1/events',
  methods: {
    GET: {
      summary:
        'Server-sent events: progress of revisions, and conditions of the device, as they are and as they change',
      scopes: ['read'],
      answers: { 200: { type: 'text/event-stream' } },
      handle: () => ({
        status: 200,
        headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
        stream: (outgoing) => {
          openStream(outgoing);
          outgoing.flushHeaders();
          follow(port, outgoing);
        },
      }),
    },
  },
});

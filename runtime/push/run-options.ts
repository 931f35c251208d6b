/** `?run=true&wait=SECONDS`: what a client wants done with what it brings, and how it is told what became of it. */
import type { ServerResponse } from 'node:http';
import { failure, type Reply } from '../http/reply.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import { type Accepted, awaitEnd } from './delivery.ts';
import { eventText, openStream } from './event-stream.ts';
import { lacking, type PushRequest } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { NOT_FOUND, reportView, told } from './replies.ts';

export interface Wishes {
  readonly run: boolean;
  readonly retry: boolean;
  readonly waitMs: number;
}

export const WISHES = {
  run: 'true: have it run, which needs the scope control as well',
  retry: 'true: also if this content failed before',
  wait: 'seconds, or true for 600: answer when it is over (DONE, ERROR, WONTGO, CANCELLED). With "Accept: text/event-stream" its progress comes meanwhile',
};

const LONGEST_SECONDS = 600;

const flagIn = (query: URLSearchParams, name: string): boolean | undefined => {
  const text = query.get(name) ?? 'false';
  return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined;
};

/** undefined: it is none. */
export const secondsIn = (query: URLSearchParams): number | undefined => {
  const text = query.get('wait') ?? '0';
  if (text === 'true') return LONGEST_SECONDS;
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text), LONGEST_SECONDS) : undefined;
};

/** What a request asks for, or why not. */
export const wishesOf = ({ query, client }: PushRequest): Wishes | Reply => {
  const [run, retry, seconds] = [flagIn(query, 'run'), flagIn(query, 'retry'), secondsIn(query)];
  if (run === undefined || retry === undefined) return failure(400, 'expected run and retry to be true or false');
  if (seconds === undefined) return failure(400, `expected wait to be a number of seconds, or true`);
  const refused = run ? lacking(client, ['push', 'control']) : undefined;
  return refused ?? { run, retry, waitMs: seconds * 1000 };
};

/** 200: it is DONE. 422: it was given up. 202: neither, yet. */
const statusOf = ({ progress }: ProgressReport): number => {
  if (progress.status === 'DONE' || progress.status === 'UPDATED') return 200;
  return ['ERROR', 'WONTGO', 'CANCELLED'].includes(progress.status) ? 422 : 202;
};

/** Also for those who look at the status only: a revision that was given up is an error, and says which. */
const endView = (view: object, report: ProgressReport): object => ({
  ...(statusOf(report) === 422
    ? { Error: `${report.progress.status}: ${report.reason ?? report.progress['status-msg']}` }
    : {}),
  ...view,
  progress: reportView(report),
});

export interface Following {
  readonly revision: string;
  readonly waitMs: number;
  /** What there is to say besides. */
  readonly view: object;
}

const followed = (port: PushPort, { revision, waitMs, view }: Following, { gone }: PushRequest): Reply => ({
  status: 200,
  headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
  stream: (outgoing: ServerResponse) => {
    openStream(outgoing);
    const onReport = (report: ProgressReport): void =>
      void outgoing.write(eventText('progress', { revision, ...reportView(report) }));
    awaitEnd(port, revision, { limitMs: waitMs, gone, onReport }).then(
      (report) => outgoing.end(report === undefined ? '' : eventText('end', endView(view, report))),
      (error: unknown) => {
        port.report(error, `waiting for ${revision}`);
        outgoing.destroy();
      },
    );
  },
});

/** How a revision fares, now or when it is over. */
export const progressReply = async (port: PushPort, following: Following, request: PushRequest): Promise<Reply> => {
  const { revision, waitMs, view } = following;
  const wantsEvents = request.incoming.headers.accept?.includes('text/event-stream') === true;
  if (waitMs > 0 && wantsEvents) return followed(port, following, request);
  const report =
    waitMs > 0
      ? await awaitEnd(port, revision, { limitMs: waitMs, gone: request.gone })
      : await port.states.report(revision);
  return report === undefined ? NOT_FOUND : told(statusOf(report), endView(view, report));
};

/** What is said of a revision that was delivered, when it was not refused. */
export const deliveredView = (revision: string, etag: string, { hash, missing }: Accepted): object => ({
  revision,
  hash,
  etag,
  missing,
});

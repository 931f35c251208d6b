/** `/v1/revisions`: what is installed, what runs, and bringing another state, whole or as a patch of the current one. */
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { readBytes } from '../http/body.ts';
import { json } from '../http/operation.ts';
import { failure, type Reply } from '../http/reply.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import { type Delivery, deliver } from './delivery.ts';
import type { PushEndpoint, PushOperation, PushRequest } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { etagOf, isAccepted, NOT_FOUND, names, refusalOf, reportView, TOO_LARGE, told } from './replies.ts';
import { localRevisionIn, revisionIn } from './revision-names.ts';
import { deliveredView, progressReply, secondsIn, WISHES, type Wishes, wishesOf } from './run-options.ts';

const BAD_NAME = failure(
  400,
  'expected the name of a local revision: at most 64 letters, digits and . _ + -, not digits only, and not current',
);

const listRevisions = async ({ steps, states, committed }: PushPort): Promise<Reply> => {
  const revisions = await Promise.all(
    (await steps()).map(async ({ name, date, commitMessage }) => {
      const progress = viewOf(await states.report(name));
      return { revision: name, time: date.toISOString(), commitMessage, progress };
    }),
  );
  return told(200, { running: states.running() ?? null, committed: committed() ?? null, revisions });
};

const getRevision = async ({ incoming, parameters }: PushRequest, { states }: PushPort): Promise<Reply> => {
  const revision = revisionIn(parameters, states);
  const bytes = revision === undefined ? undefined : await states.document(revision);
  if (revision === undefined || bytes === undefined) return NOT_FOUND;
  const headers = { ETag: etagOf(bytes), 'Cache-Control': 'no-cache', 'Content-Location': `/v1/revisions/${revision}` };
  const known = incoming.headers['if-none-match'];
  if (known !== undefined && names(known, headers.ETag)) return { status: 304, headers, stream: (out) => out.end() };
  return {
    status: 200,
    headers: { ...headers, 'Content-Type': 'application/json', 'Content-Length': String(bytes.length) },
    stream: (outgoing) => outgoing.end(bytes),
  };
};

export interface Begun {
  readonly revision: string;
  readonly wishes: Wishes;
  readonly view: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly isNew: boolean;
}

/** Delivers a document as the client wishes, up to where there is something to wait for. */
export const begin = async (
  port: PushPort,
  { query, from }: PushRequest,
  { revision, document }: Pick<Delivery, 'revision' | 'document'>,
  wishes: Wishes,
): Promise<Begun | Reply> => {
  const { run, retry } = wishes;
  const message = query.get('message') ?? undefined;
  const delivered = await deliver(port, { revision, document, from, message, run: run ? { retry } : undefined });
  if (!isAccepted(delivered)) return refusalOf(delivered);
  const etag = etagOf(document);
  return {
    revision,
    wishes,
    view: deliveredView(revision, etag, delivered),
    headers: { ETag: etag, Location: `/v1/revisions/${revision}${run ? '/progress' : ''}` },
    isNew: delivered.isNew,
  };
};

export const answerTo = async (port: PushPort, request: PushRequest, begun: Begun): Promise<Reply> => {
  const { revision, wishes, view, headers, isNew } = begun;
  const reply = wishes.run
    ? await progressReply(port, { revision, waitMs: wishes.waitMs, view }, request)
    : told(isNew ? 201 : 200, { ...view, progress: viewOf(await port.states.report(revision)) });
  return { ...reply, headers: { ...reply.headers, ...headers } };
};

const viewOf = (report: ProgressReport | undefined): object => (report === undefined ? {} : reportView(report));

const putRevision = async (request: PushRequest, port: PushPort): Promise<Reply> => {
  const { parameters, incoming } = request;
  const revision = localRevisionIn(parameters['local'] ?? parameters['revision'] ?? '');
  if (revision === undefined) return BAD_NAME;
  const wishes = wishesOf(request);
  if ('status' in wishes) return wishes;
  const document = await readBytes(incoming, STATE_LIMITS.documentBytes);
  if (document === undefined) return TOO_LARGE;
  const begun = await begin(port, request, { revision, document }, wishes);
  return 'status' in begun ? begun : answerTo(port, request, begun);
};

const getProgress = async (request: PushRequest, port: PushPort): Promise<Reply> => {
  const revision = revisionIn(request.parameters, port.states);
  const seconds = secondsIn(request.query);
  if (seconds === undefined) return failure(400, 'expected wait to be a number of seconds, or true');
  if (revision === undefined || (await port.states.report(revision)) === undefined) return NOT_FOUND;
  const reply = await progressReply(port, { revision, waitMs: seconds * 1000, view: { revision } }, request);
  // It is told, whatever became of the revision.
  return reply.status === 404 ? reply : { ...reply, status: 200 };
};

export const revisionEndpoints = (port: PushPort, patch: PushOperation): readonly PushEndpoint[] => {
  const get: PushOperation = {
    summary: 'The state of a revision, as it came; `current` is the one that runs',
    scopes: ['read'],
    headers: { 'If-None-Match': 'An ETag: 304 if it is still that' },
    answers: { 200: json('StateDocument'), 304: 'nothing' },
    handle: (request) => getRevision(request, port),
  };
  const getCurrent: PushOperation['handle'] = (request) =>
    getRevision({ ...request, parameters: { revision: 'current' } }, port);
  const put: PushOperation = {
    summary: 'Bring a state; what it names may be brought before or after',
    scopes: ['push'],
    body: 'StateDocument',
    query: { ...WISHES, message: 'What it is about, for people' },
    answers: { 200: json('Delivered'), 201: json('Delivered'), 202: json('Delivered'), 422: json('Delivered') },
    handle: (request) => putRevision(request, port),
  };
  const progress: PushOperation = {
    summary: 'How a revision fares, now or when it is over',
    scopes: ['read'],
    query: { wait: WISHES.wait },
    answers: { 200: json('RevisionProgress') },
    handle: (request) => getProgress(request, port),
  };
  return [
    {
      path: '/v1/revisions',
      methods: {
        GET: {
          summary: 'Installed revisions, which one runs, and which one a restart goes back to',
          scopes: ['read'],
          answers: { 200: json('RevisionList') },
          handle: () => listRevisions(port),
        },
      },
    },
    { path: '/v1/revisions/current', methods: { GET: { ...get, handle: getCurrent }, PATCH: patch } },
    { path: '/v1/revisions/{revision}', methods: { GET: get, PUT: put } },
    { path: '/v1/revisions/locals/{local}', methods: { GET: get, PUT: put } },
    { path: '/v1/revisions/{revision}/progress', methods: { GET: progress } },
    { path: '/v1/revisions/locals/{local}/progress', methods: { GET: progress } },
  ];
};

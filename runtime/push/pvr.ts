/**
 * What the `pvr` command line talks to on a device, `http://device:12368/cgi-bin/pvr`: clone and
 * get read the state that runs, or that of a revision, with its objects; post and put bring another one and have it run.
 * The content of objects goes over URLs that are signed, because pvr asks for it without saying who it is.
 */
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { streamObject } from '../api/object-endpoints.ts';
import { bodyPieces, contentLength, drain, parseObject, readBody, readBytes } from '../http/body.ts';
import { json } from '../http/operation.ts';
import { document, failure, type Reply } from '../http/reply.ts';
import { distinctName } from '../sources/directory/revision-placement.ts';
import { isObjectId, localRevision } from '../store/trails/revision.ts';
import { deliver } from './delivery.ts';
import type { PushEndpoint, PushOperation, PushRequest } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { type Envelope, envelopeIn } from './pvr-envelope.ts';
import { isAccepted, NOT_FOUND, refusalOf, reportView, TOO_LARGE, told } from './replies.ts';
import { localRevisionIn, revisionIn } from './revision-names.ts';
import type { Signing } from './signed-urls.ts';

const ROOT = '/cgi-bin/pvr';
const MAX_ENVELOPE_BYTES = STATE_LIMITS.documentBytes + 64 * 1024;
const MAX_INFO_BYTES = 16 * 1024;
const CONTENT = 'application/octet-stream';

interface Pvr {
  readonly port: PushPort;
  readonly signing: Signing;
}

/** `.pvrremote` of a revision: all URLs are of this server, by the name that the client has for it. */
const remoteOf = (origin: string, revision: string): object => {
  const base = `${origin}${ROOT}`;
  return {
    'pvr-spec': 'pvr-pantahub-1',
    'json-get-url': `${base}/steps/${revision}/state`,
    'json-key': 'state',
    'objects-endpoint': `${base}/objects`,
    'post-url': `${base}/steps`,
    'post-fields': ['commit-msg'],
    'post-fields-opt': ['rev'],
    'step-get-url': `${base}/steps/${revision}`,
  };
};

const stateOf = async ({ parameters }: PushRequest, { states }: PushPort): Promise<Uint8Array | undefined> => {
  const revision = revisionIn(parameters, states);
  return revision === undefined ? undefined : states.document(revision);
};

const getState = async (request: PushRequest, port: PushPort): Promise<Reply> => {
  const bytes = await stateOf(request, port);
  if (bytes === undefined) return NOT_FOUND;
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length) };
  return { status: 200, headers, stream: (outgoing) => outgoing.end(bytes) };
};

const getStep = async ({ parameters }: PushRequest, { states, steps }: PushPort): Promise<Reply> => {
  const revision = revisionIn(parameters, states);
  const bytes = revision === undefined ? undefined : await states.document(revision);
  if (revision === undefined || bytes === undefined) return NOT_FOUND;
  const step = (await steps()).find(({ name }) => name === revision);
  const report = await states.report(revision);
  return document({
    id: revision,
    rev: -1,
    revlocal: revision,
    'commit-msg': step?.commitMessage ?? '',
    'state-sha': (await states.hash(revision)) ?? '',
    progress: report === undefined ? {} : reportView(report),
    'step-time': (step?.date ?? new Date(0)).toISOString(),
    state: JSON.parse(Buffer.from(bytes).toString('utf8')),
  });
};

/** An object as the Hub describes one, with where to bring or fetch it. */
const infoOf = (
  { id, name, size }: { readonly id: string; readonly name: string; readonly size: number },
  { origin, client }: PushRequest,
  { signing, port }: Pvr,
): object => {
  const url = (method: string): string =>
    `${origin}${signing.sign(method, `${ROOT}/objects/${id}/content`, client.name)}`;
  const now = port.wallTime();
  return {
    id,
    'storage-id': id,
    owner: '',
    objectname: name,
    sha256sum: id,
    size: String(size),
    sizeint: size,
    'mime-type': CONTENT,
    'time-created': now.toISOString(),
    'time-modified': now.toISOString(),
    'signed-puturl': url('PUT'),
    'signed-geturl': url('GET'),
    now: String(Math.floor(now.getTime() / 1000)),
    'expire-time': '15',
  };
};

const getInfo = async (request: PushRequest, pvr: Pvr): Promise<Reply> => {
  const { object: id = '' } = request.parameters;
  const there = await pvr.port.uploads.look(id);
  if (there?.isComplete !== true) return failure(404, 'Resource does not exist');
  return document(infoOf({ id, name: id, size: there.bytes }, request, pvr));
};

/** 409: it is here already, and pvr goes on to the next. */
const postInfo = async (request: PushRequest, pvr: Pvr): Promise<Reply> => {
  const body = await readBody(request.incoming, MAX_INFO_BYTES);
  if (body === undefined) return TOO_LARGE;
  const { sha256sum: id, objectname, size: text } = parseObject(body) ?? {};
  if (typeof id !== 'string' || !isObjectId(id))
    return failure(400, 'expected sha256sum with 64 lower-case hex digits');
  const size = /^\d{1,15}$/.test(String(text ?? '0')) ? Number(text ?? 0) : Number.NaN;
  if (Number.isNaN(size)) return failure(400, 'expected size to be a number of bytes, as text');
  const info = infoOf({ id, name: typeof objectname === 'string' ? objectname : id, size }, request, pvr);
  if ((await pvr.port.uploads.look(id))?.isComplete === true)
    return told(409, info, { 'Pantahub-Object-Type': 'object' });
  return (await pvr.port.hasRoomFor(size)) ? document(info) : failure(507, 'Not enough disk space available');
};

const putContent = async ({ incoming, parameters }: PushRequest, { objects }: PushPort): Promise<Reply> => {
  const outcome = await objects.put(parameters['object'] ?? '', bodyPieces(incoming), contentLength(incoming));
  if (outcome === 'no room') return failure(507, 'Not enough disk space available');
  await drain(incoming);
  return outcome === 'stored' ? document('') : failure(422, 'Object has bad checksum');
};

const getContent = async ({ parameters }: PushRequest, { objects, report }: PushPort): Promise<Reply> => {
  const content = await objects.read(parameters['object'] ?? '');
  return content === undefined ? NOT_FOUND : streamObject(content, report);
};

/** What it is to be called: as asked, unless something else is called so that is still needed. */
const nameFor = async (rev: string | undefined, hash: string, { states, committed }: PushPort): Promise<string> => {
  const asked = rev === undefined ? undefined : localRevisionIn(rev);
  if (asked === undefined) return localRevision(`pvr-${hash.slice(0, 12)}`);
  const isInUse = [committed(), states.running()].includes(asked) && (await states.hash(asked)) !== hash;
  return isInUse ? localRevision(distinctName(asked.replace('locals/', ''), hash)) : asked;
};

const post = async ({ state, rev, message }: Envelope, request: PushRequest, port: PushPort): Promise<Reply> => {
  const judged = await port.states.judge(localRevision('pvr'), state);
  if (!judged.ok) return refusalOf({ is: 'invalid', problems: judged.problems });
  const revision = await nameFor(rev, judged.hash, port);
  const delivered = await deliver(port, {
    revision,
    document: state,
    message,
    from: request.from,
    run: { retry: true },
  });
  if (!isAccepted(delivered)) return refusalOf(delivered);
  return document({ rev: -1, revlocal: revision, 'state-sha': judged.hash, 'trail-id': '' });
};

const postStep = async (request: PushRequest, port: PushPort): Promise<Reply> => {
  const bytes = await readBytes(request.incoming, MAX_ENVELOPE_BYTES);
  if (bytes === undefined) return TOO_LARGE;
  const envelope = envelopeIn(bytes);
  return typeof envelope === 'string' ? failure(422, envelope) : post(envelope, request, port);
};

const putState = async (request: PushRequest, port: PushPort): Promise<Reply> => {
  const state = await readBytes(request.incoming, STATE_LIMITS.documentBytes);
  if (state === undefined) return TOO_LARGE;
  return post({ state, rev: request.parameters['local'], message: undefined }, request, port);
};

const operation = (
  summary: string,
  scopes: PushOperation['scopes'],
  answers: PushOperation['answers'],
  handle: PushOperation['handle'],
): PushOperation => ({ summary, scopes, answers, handle });

const POSTED = { 200: json('PvrPosted') };

const stepEndpoints = (step: string, { port }: Pvr): readonly PushEndpoint[] => {
  const remote = ({ origin, parameters }: PushRequest): Reply => {
    const { revision, local } = parameters;
    return document(remoteOf(origin, local === undefined ? (revision ?? 'current') : `locals/${local}`));
  };
  const read = (path: string, summary: string, handle: PushOperation['handle'], more = {}): PushEndpoint => ({
    path,
    methods: { GET: operation(summary, ['read'], { 200: { type: 'application/json' } }, handle), ...more },
  });
  const put = operation('Have another state run (pvr put)', ['push', 'control'], POSTED, (request) =>
    putState(request, port),
  );
  return [
    read(`${step}/.pvrremote`, 'Where pvr finds what, of one revision', remote),
    read(step, 'A revision, with its state (pvr stepinfo)', (request) => getStep(request, port)),
    read(`${step}/state`, 'Its state, as it came', (request) => getState(request, port), { PUT: put }),
    read(`${step}/progress`, 'How it fares', async ({ parameters }) => {
      const revision = revisionIn(parameters, port.states);
      const report = revision === undefined ? undefined : await port.states.report(revision);
      return report === undefined ? NOT_FOUND : document(reportView(report));
    }),
  ];
};

export const pvrEndpoints = (pvr: Pvr): readonly PushEndpoint[] => {
  const { port } = pvr;
  const looked = { 200: { type: 'application/json' } };
  return [
    {
      path: `${ROOT}/.pvrremote`,
      methods: {
        GET: operation('Where pvr finds what', ['read'], looked, ({ origin }) => document(remoteOf(origin, 'current'))),
      },
    },
    ...stepEndpoints(`${ROOT}/steps/{revision}`, pvr),
    ...stepEndpoints(`${ROOT}/steps/locals/{local}`, pvr),
    {
      path: `${ROOT}/steps`,
      methods: {
        POST: operation('Have another state run (pvr post)', ['push', 'control'], POSTED, (request) =>
          postStep(request, port),
        ),
      },
    },
    {
      path: `${ROOT}/objects`,
      methods: {
        POST: operation('Announce an object: 409 when it is here', ['push'], looked, (request) =>
          postInfo(request, pvr),
        ),
      },
    },
    {
      path: `${ROOT}/objects/{object}`,
      methods: { GET: operation('Where to fetch an object', ['read'], looked, (request) => getInfo(request, pvr)) },
    },
    {
      path: `${ROOT}/objects/{object}/content`,
      methods: {
        GET: operation('Its content', 'signed', { 200: { type: CONTENT } }, (request) => getContent(request, port)),
        PUT: operation('Bring its content', 'signed', { 200: 'nothing' }, (request) => putContent(request, port)),
      },
    },
  ];
};

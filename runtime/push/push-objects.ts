/**
 * `/v1/objects/{sha256}`: content of any size, which a cut connection does not cost.
 *
 * A part is a PUT with `Content-Range: bytes FIRST-LAST/TOTAL` (RFC 9110 §14.5, as `curl -C` sends it); HEAD tells by
 * `Upload-Offset` and `Upload-Complete` (draft-ietf-httpbis-resumable-upload) where the next one begins.
 */
import type { IncomingMessage } from 'node:http';
import { streamObject } from '../api/object-endpoints.ts';
import { bodyPieces, contentLength } from '../http/body.ts';
import { failure, type Reply } from '../http/reply.ts';
import type { Part, PartOutcome } from '../store/objects/partial-uploads.ts';
import { isObjectId } from '../store/trails/revision.ts';
import { type PushEndpoint, type PushRequest, refusal } from './push-operation.ts';
import type { PushPort } from './push-port.ts';

const BAD_NAME = failure(
  400,
  'Request has bad object name: expected the sha256 of its content, 64 lower-case hex digits',
);
const RETRY = { 'Retry-After': '5' };

interface Range {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/** Of the header; undefined: it is none that can be. */
const rangeIn = (text: string): Range | undefined => {
  const numbers = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text)?.slice(1).map(Number);
  const [first = 0, last = 0, total = 0] = numbers ?? [];
  return numbers !== undefined && first <= last && last < total ? { first, last, total } : undefined;
};

/** Which part of an object a request brings, or why it cannot be told. */
const partOf = (incoming: IncomingMessage): Part | Reply => {
  const content = bodyPieces(incoming);
  const { 'content-range': text } = incoming.headers;
  const sizeBytes = contentLength(incoming);
  if (text === undefined) return { content, offset: 0, totalBytes: sizeBytes, sizeBytes };
  const range = rangeIn(text);
  if (range === undefined)
    return failure(400, `Content-Range is ${JSON.stringify(text.slice(0, 80))}, expected bytes FIRST-LAST/TOTAL`);
  const { first, last, total } = range;
  const rangeBytes = last - first + 1;
  if (sizeBytes !== undefined && sizeBytes !== rangeBytes)
    return failure(400, `Content-Range is of ${rangeBytes} bytes, but Content-Length is ${sizeBytes}`);
  return { content, offset: first, totalBytes: total, sizeBytes: rangeBytes };
};

const uploadHeaders = (bytes: number, isComplete: boolean): Readonly<Record<string, string>> => ({
  'Upload-Offset': String(bytes),
  'Upload-Complete': isComplete ? '?1' : '?0',
  'Cache-Control': 'no-store',
});

const replyTo = (outcome: PartOutcome): Reply => {
  switch (outcome.outcome) {
    case 'stored':
      return { status: 201, headers: { 'Upload-Complete': '?1' }, body: '' };
    case 'partial':
      return { status: 202, headers: uploadHeaders(outcome.offset, false), body: '' };
    case 'wrong offset':
      return refusal(409, `The next part begins at ${outcome.offset}`, uploadHeaders(outcome.offset, false));
    case 'busy':
      return refusal(423, 'Another connection is uploading this object. Try again', RETRY);
    case 'bad checksum':
      return failure(422, 'Object has bad checksum');
    case 'no room':
      return failure(507, 'Not enough disk space available');
    default:
      return outcome satisfies never;
  }
};

const putObject = async ({ incoming, parameters }: PushRequest, { uploads }: PushPort): Promise<Reply> => {
  const { object = '' } = parameters;
  if (!isObjectId(object)) return BAD_NAME;
  const part = partOf(incoming);
  return 'status' in part ? part : replyTo(await uploads.put(object, part));
};

const headObject = async ({ parameters }: PushRequest, { uploads }: PushPort): Promise<Reply> => {
  const { object = '' } = parameters;
  if (!isObjectId(object)) return BAD_NAME;
  const there = await uploads.look(object);
  if (there === undefined) return failure(404, 'Nothing of this object is here');
  const { bytes, isComplete } = there;
  const headers = uploadHeaders(bytes, isComplete);
  return { status: isComplete ? 200 : 202, headers, body: '' };
};

const getObject = async ({ parameters }: PushRequest, { objects, report }: PushPort): Promise<Reply> => {
  const { object = '' } = parameters;
  if (!isObjectId(object)) return BAD_NAME;
  const content = await objects.read(object);
  return content === undefined ? failure(404, 'There is no such object') : streamObject(content, report);
};

export const objectEndpoint = (port: PushPort): PushEndpoint => ({
  path: '/v1/objects/{object}',
  methods: {
    HEAD: {
      summary: 'How much of an object is here: Upload-Offset, Upload-Complete',
      scopes: [],
      answers: { 200: 'nothing', 202: 'nothing', 404: 'nothing' },
      handle: (request) => headObject(request, port),
    },
    GET: {
      summary: 'The content of an object',
      scopes: ['read'],
      answers: { 200: { type: 'application/octet-stream' } },
      handle: (request) => getObject(request, port),
    },
    PUT: {
      summary: 'Bring an object, whole or, with Content-Range, the next part of it',
      scopes: ['push'],
      content: { type: 'application/octet-stream' },
      answers: { 201: 'nothing', 202: 'nothing' },
      handle: (request) => putObject(request, port),
    },
  },
});

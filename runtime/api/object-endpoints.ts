/** Objects: streamed both ways, in constant memory, checked on their way in. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeviceError } from '../host/host.ts';
import { bodyPieces, contentLength, drain } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json } from '../http/operation.ts';
import { accepted, document, failure, type Reply } from '../http/reply.ts';
import { isObjectId } from '../store/trails/revision.ts';

export interface StoredObject {
  readonly id: string;
  readonly sizeBytes: number;
}

/** `stored`: it is there now, whoever brought it. */
export type PutOutcome = 'stored' | 'bad checksum' | 'no room';

export interface ObjectsPort {
  /** By name. @throws DeviceError */
  list(): Promise<readonly StoredObject[]>;
  /** undefined: there is none. What is read is not checked. @throws DeviceError */
  read(id: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** @param sizeBytes if it is known. @throws DeviceError, and whatever `content` throws. */
  put(id: string, content: AsyncIterable<Uint8Array>, sizeBytes: number | undefined): Promise<PutOutcome>;
}

type Report = (error: unknown, doing: string) => void;

const BAD_NAME = failure(400, 'Request has bad object name');
const REFUSALS: Readonly<Record<PutOutcome, Reply>> = {
  stored: accepted(),
  'bad checksum': failure(422, 'Object has bad checksum'),
  'no room': failure(507, 'Not enough disk space available'),
};

/** What the device refuses is told in Pantavisor's words, and why in the log. */
const unlessRefused = async (work: () => Promise<Reply>, refusal: string, report: Report): Promise<Reply> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    report(error, refusal);
    return failure(500, refusal);
  }
};

/** The size is text: that is how clients know it. */
const listObjects = async (objects: ObjectsPort): Promise<Reply> =>
  document((await objects.list()).map(({ id, sizeBytes }) => ({ sha256: id, size: String(sizeBytes) })));

/** An error in the middle cuts the connection, so that nobody takes the part for the whole. */
const streaming =
  (content: AsyncIterable<Uint8Array>, report: Report) =>
  (outgoing: ServerResponse): void => {
    pipeline(Readable.from(content, { objectMode: false, highWaterMark: 1 }), outgoing).catch((error: unknown) => {
      // A client that has seen enough is no error of ours.
      if (error instanceof DeviceError) report(error, 'GET /objects');
    });
  };

export const streamObject = (content: AsyncIterable<Uint8Array>, report: Report): Reply => ({
  status: 200,
  headers: { 'Content-Type': 'application/octet-stream' },
  stream: streaming(content, report),
});

const getObject = async ({ parameters }: ApiRequest, objects: ObjectsPort, report: Report): Promise<Reply> => {
  const { object = '' } = parameters;
  const content = isObjectId(object) ? await objects.read(object) : undefined;
  return content === undefined ? BAD_NAME : streamObject(content, report);
};

const putObject = async ({ incoming, parameters }: ApiRequest, objects: ObjectsPort): Promise<Reply> => {
  const { object = '' } = parameters;
  if (!isObjectId(object)) return BAD_NAME;
  return REFUSALS[await objects.put(object, bodyPieces(incoming), contentLength(incoming))];
};

export const objectEndpoints = (objects: ObjectsPort, report: Report): readonly Endpoint[] => [
  {
    path: '/objects',
    role: 'mgmt',
    methods: {
      GET: {
        summary: 'Stored objects and their sizes',
        answers: { 200: json('ObjectList') },
        handle: () => unlessRefused(() => listObjects(objects), "couldn't get device objects", report),
      },
    },
  },
  {
    path: '/objects/{object}',
    role: 'mgmt',
    methods: {
      GET: {
        summary: 'The content of an object',
        answers: { 200: { type: 'application/octet-stream' } },
        handle: (request) =>
          unlessRefused(() => getObject(request, objects, report), 'Object allocation error', report),
      },
      PUT: {
        summary: 'Store an object under its sha256; one that is stored already is left as it is',
        content: { type: 'application/octet-stream' },
        answers: { 200: 'nothing' },
        handle: async (request) => {
          const reply = await unlessRefused(() => putObject(request, objects), 'Upload error', report);
          await drain(request.incoming);
          return reply;
        },
      },
    },
  },
];

/** A client of the control socket: finds it, asks, and says what to do when nobody answers. */
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import type { Operation } from 'fast-json-patch';
import type { StatusView } from '../../api/status.ts';
import { viewOfDocument, type WatchDocument } from '../../api/watch-document.ts';

// As in runtime/http/server.ts: importing it would load fetch and WebSocket, a quarter of our start-up.
const { request } = process.getBuiltinModule('node:http');

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Question {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  /** In place of `body`: content of any size, of this many bytes if that is known. */
  readonly upload?: { readonly content: AsyncIterable<Uint8Array>; readonly sizeBytes: number | undefined };
}

/** For people: no stack, only what to do. */
export class ClientError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ClientError';
  }
}

/** Nobody is there to ask. */
export class NoSocket extends ClientError {
  /** What was tried, in that order. */
  readonly places: readonly string[];

  constructor(places: readonly string[], source: string) {
    super(
      `no control socket at ${places.join(', ')}${source}. Is pantavisor running? ` +
        'Name its socket with -s SOCKET, or its run directory with PV_SYSTEM_RUNDIR.',
    );
    this.places = places;
  }
}

/** On the device, in an older device, and in a container. */
const USUAL_SOCKETS = ['/run/pantavisor/pv/pv-ctrl', '/pv/pv-ctrl', '/pantavisor/pv-ctrl'];
const TIMEOUT_MS = 240_000;
const UPLOAD_TIMEOUT_MS = 14_400_000;

const isSocket = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined); // not there, or not for us: no socket either way
  return found?.isSocket() === true;
};

/** Where the socket may be, in order: a place that was named is the only one. */
export const socketPlaces = (given: string | undefined, env: NodeJS.ProcessEnv): readonly string[] => {
  if (given !== undefined) return [given];
  const run = env['PV_SYSTEM_RUNDIR'];
  return run ? [`${run}/pv-ctrl`] : USUAL_SOCKETS;
};

/**
 * The socket to ask. Falling back from a place that was named would control another daemon.
 * @throws NoSocket naming every place that was tried.
 */
export const findSocket = async (given: string | undefined, env: NodeJS.ProcessEnv): Promise<string> => {
  const places = socketPlaces(given, env);
  for (const place of places) if (await isSocket(place)) return place;
  throw new NoSocket(
    places,
    given !== undefined ? ' (from -s)' : places === USUAL_SOCKETS ? '' : ' (from PV_SYSTEM_RUNDIR)',
  );
};

const explain = (error: NodeJS.ErrnoException, socket: string): ClientError => {
  switch (error.code) {
    case 'ECONNREFUSED':
      return new ClientError(`nobody answers at ${socket}: pantavisor was killed or is starting. Start it, or wait.`);
    case 'EACCES':
    case 'EPERM':
      return new ClientError(`${socket} may be used by root and its group only: try sudo.`);
    default:
      return new ClientError(`asking ${socket} failed: ${error.message}`);
  }
};

type Headers = Readonly<Record<string, string | number>>;

const headersOf = ({ body, upload }: Question): Headers => {
  if (body !== undefined) return { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  if (upload === undefined) return {};
  const type = { 'Content-Type': 'application/octet-stream' };
  return upload.sizeBytes === undefined ? type : { ...type, 'Content-Length': upload.sizeBytes };
};

const open = (socket: string, question: Question, signal?: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, path, body, upload } = question;
    const asking = request({
      socketPath: socket,
      method,
      path,
      headers: { Host: 'localhost', ...headersOf(question) },
      ...(signal && { signal }),
    });
    asking.once('response', resolve);
    const explained = (error: NodeJS.ErrnoException): ClientError =>
      error instanceof ClientError ? error : explain(error, socket);
    // More than one, when an answer comes before everything is sent.
    asking.on('error', (error) => reject(explained(error)));
    if (upload === undefined) asking.end(body);
    else pipeline(upload.content, asking).catch((error) => reject(explained(error)));
  });

/** @throws ClientError when there is no answer. */
export const ask = async (socket: string, question: Question): Promise<Answer> => {
  const limitMs = question.upload === undefined ? TIMEOUT_MS : UPLOAD_TIMEOUT_MS;
  const response = await open(socket, question, AbortSignal.timeout(limitMs));
  response.setEncoding('utf8');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode ?? 0, body };
};

/** The content at a path, whatever the status, into `out`. @throws ClientError when there is no answer. */
export const download = async (socket: string, path: string, out: NodeJS.WritableStream): Promise<void> => {
  const response = await open(socket, { method: 'GET', path }, AbortSignal.timeout(UPLOAD_TIMEOUT_MS));
  await pipeline(response, out, { end: out !== process.stdout });
};

export interface ServerSentEvent {
  /** `message` when the server names none. */
  readonly name: string;
  readonly data: string;
}

const eventOf = (text: string): ServerSentEvent | undefined => {
  const fields = text.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const valuesOf = (key: string): string[] => fields.flatMap((field) => (field?.[1] === key ? [field[2] ?? ''] : []));
  const data = valuesOf('data');
  return data.length === 0 ? undefined : { name: valuesOf('event').at(-1) ?? 'message', data: data.join('\n') };
};

/** A daemon that is killed or boots cuts its streams off; that is their end. */
async function* untilGone(response: IncomingMessage): AsyncGenerator<string> {
  try {
    for await (const chunk of response) yield chunk;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error; // stream errors have codes
  }
}

/** The events of a stream, until it ends. @throws ClientError when it cannot be had. */
export async function* follow(socket: string, path: string, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  const response = await open(socket, { method: 'GET', path }, signal);
  response.setEncoding('utf8');
  if (response.statusCode !== 200) throw new ClientError(`${socket} answers ${response.statusCode} to ${path}`);
  let rest = '';
  for await (const chunk of untilGone(response)) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop() ?? '';
    for (const text of events) {
      const event = eventOf(text);
      if (event !== undefined) yield event;
    }
  }
}

/** A daemon that boots its device is gone for a moment. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

/** The status after every change; ends when the daemon has been gone for a while. @throws ClientError when it was not there. */
export async function* followStatus(socket: string, signal: AbortSignal): AsyncGenerator<StatusView> {
  let giveUpAt = 0;
  for (;;) {
    try {
      for await (const view of statusStream(socket, signal)) {
        giveUpAt = Number.POSITIVE_INFINITY;
        yield view;
      }
    } catch (error) {
      if (signal.aborted || giveUpAt === 0 || !(error instanceof ClientError)) throw error;
    }
    if (giveUpAt === Number.POSITIVE_INFINITY) giveUpAt = performance.now() + PATIENCE_MS;
    if (signal.aborted || performance.now() > giveUpAt) return;
    await setTimeout(RETRY_MS, undefined, { signal });
  }
}

/** The status after every change, until the connection ends. @throws ClientError when it cannot be had. */
async function* statusStream(socket: string, signal: AbortSignal): AsyncGenerator<StatusView> {
  const { default: jsonPatch } = await import('fast-json-patch');
  let document: WatchDocument | undefined;
  for await (const { name, data } of follow(socket, '/status/watch', signal)) {
    // Both come from our own daemon, over a socket that only root can offer.
    if (name === 'snapshot') document = JSON.parse(data) as WatchDocument;
    else if (document !== undefined) {
      document = jsonPatch.applyPatch(document, JSON.parse(data) as Operation[], true, false).newDocument;
    }
    if (document !== undefined) yield viewOfDocument(document);
  }
}

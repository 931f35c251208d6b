/** What is more than one request: objects from the Hub, and the factory state to it. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../host/host.ts';
import type { PartialUploads } from '../../store/objects/partial-uploads.ts';
import type { HttpClient, HttpRequest } from './http-client.ts';
import { MAX_BODY_BYTES, reasonIn } from './hub-answers.ts';
import type { HubPort } from './hub-port.ts';
import type { Request } from './hub-state.ts';

/** The server answered, and not as it should. */
export class HubRefusal extends Error {
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, retryAfterMs?: number) {
    super(reason);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Seconds, or a date. undefined: nothing that could be followed. */
export const retryAfterMsIn = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
};

export interface DownloadOptions {
  readonly client: HttpClient;
  readonly uploads: PartialUploads;
  readonly clock: Clock;
  readonly userAgent: string;
  /** Bytes per second of this download; 0: no limit. */
  readonly bytesPerSecond: () => number;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // The content is there already, its checksum was not made yet.
}

/**
 * Fetches an object, from where an earlier try ended if the server can do that. Resolves when it is in the store and
 * its checksum is right. @throws HubRefusal, and whatever the network does
 */
export const download = async (
  { id, url, sizeBytes }: Extract<Request, { kind: 'download' }>,
  options: DownloadOptions,
): Promise<void> => {
  const { uploads, client } = options;
  const held = await uploads.look(id);
  if (held?.isComplete) return;
  const have = held !== undefined && held.bytes <= sizeBytes ? held.bytes : 0;
  if (have === sizeBytes && have > 0) return put(id, { content: nothing(), offset: have, sizeBytes }, options);
  const { origin, pathname, search } = new URL(url);
  const range = have === 0 ? {} : { Range: `bytes=${have}-` };
  const headers = { 'User-Agent': options.userAgent, ...range };
  const path = `${pathname}${search}`;
  const answer = await client.stream({ method: 'GET', origin, path, headers, signal: options.signal });
  try {
    const offset = offsetOf(answer, have, id, options.clock);
    await put(id, { content: paced(answer.content, offset, options), offset, sizeBytes }, options);
  } finally {
    answer.cancel();
  }
};

type Answered = Awaited<ReturnType<HttpClient['stream']>>;

/** Where the content begins. Servers that know no ranges send all of it. @throws HubRefusal */
const offsetOf = ({ status, headers }: Answered, have: number, id: string, clock: Clock): number => {
  if (status === 200) return 0;
  const retryAfterMs = retryAfterMsIn(headers['retry-after'], clock.wallTime().getTime());
  if (status !== 206) throw new HubRefusal(status, `object ${id}: the server answered ${status}`, retryAfterMs);
  const from = Number(/^bytes (\d{1,15})-/.exec(headers['content-range'] ?? '')?.[1]);
  if (from === have) return have;
  throw new HubRefusal(status, `object ${id}: asked for bytes from ${have}, but saw ${headers['content-range']}`);
};

const put = async (
  id: string,
  part: { readonly content: AsyncIterable<Uint8Array>; readonly offset: number; readonly sizeBytes: number },
  { uploads }: DownloadOptions,
): Promise<void> => {
  const { content, offset, sizeBytes: totalBytes } = part;
  const { outcome } = await uploads.put(id, { content, offset, totalBytes, sizeBytes: totalBytes - offset });
  if (outcome === 'stored') return;
  throw new HubRefusal(200, `object ${id}: ${outcome === 'partial' ? 'shorter than it should be' : outcome}`);
};

/** Counts what comes, and lets no more through than it may. */
async function* paced(
  content: AsyncIterable<Uint8Array>,
  offset: number,
  { clock, bytesPerSecond, onBytes }: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const begunMs = clock.nowMs();
  for await (const chunk of content) {
    bytes += chunk.length;
    onBytes(offset + bytes);
    yield chunk;
    const limit = bytesPerSecond();
    const dueMs = limit > 0 ? begunMs + (bytes / limit) * 1000 : 0;
    if (dueMs > clock.nowMs()) await new Promise<void>((resolve) => void clock.schedule(dueMs, resolve));
  }
}

export interface SyncOptions {
  readonly client: HttpClient;
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly port: HubPort;
  readonly signal: AbortSignal;
}

const JSON_TYPE = { 'Content-Type': 'application/json' } as const;

/** Brings the running state to the Hub as its step 0: every object that it lacks, then the state. @throws HubRefusal */
export const factorySync = async (options: SyncOptions): Promise<void> => {
  const { client, origin, headers, port, signal } = options;
  const running = await port.running();
  if (running === undefined) throw new Error('the running revision cannot be read');
  const post = (path: string, body: string) =>
    client.ask({ method: 'POST', origin, path, headers: { ...headers, ...JSON_TYPE }, body, signal }, MAX_BODY_BYTES);
  for (const { id, name } of running.objects) {
    const sizeBytes = await verified(id, name, port);
    const body = `{ "objectname": ${JSON.stringify(name)}, "size": "${sizeBytes}", "sha256sum": "${id}" }`;
    const answer = await post('/objects/', body);
    if (answer.status === 409) continue;
    if (answer.status !== 200)
      throw new HubRefusal(answer.status, reasonIn(`object ${id}`, answer.status, answer.body));
    await upload(id, sizeBytes, putUrlIn(answer.body, id), options);
  }
  const answer = await post('/trails/', running.document.toString());
  if (answer.status !== 200) throw new HubRefusal(answer.status, reasonIn('factory sync', answer.status, answer.body));
};

/** @returns its size. @throws Error when it is not what its name says */
const verified = async (id: string, name: string, port: HubPort): Promise<number> => {
  const sizeBytes = await port.sizeOf(id);
  if (sizeBytes === undefined) throw new Error(`object ${id} (${name}) is missing`);
  const hash = createHash('sha256');
  for await (const chunk of port.content(id)) hash.update(chunk);
  if (hash.digest('hex') !== id) throw new Error(`object ${id} (${name}) is damaged`);
  return sizeBytes;
};

const putUrlIn = (body: Buffer, id: string): string => {
  try {
    const url: unknown = JSON.parse(body.toString())['signed-puturl'];
    if (typeof url === 'string' && url !== '') return url;
  } catch {
    // told below
  }
  throw new HubRefusal(200, `object ${id}: the server did not say where to bring it`);
};

const LOCAL_STORE = '/local-s3';

/** The server's own store is reached as the server is; any other by the address that was given. */
const targetOf = (url: string, origin: string): Pick<HttpRequest, 'origin' | 'path'> => {
  const at = url.indexOf(LOCAL_STORE);
  if (at >= 0) return { origin, path: url.slice(at) };
  const parsed = new URL(url);
  return { origin: parsed.origin, path: `${parsed.pathname}${parsed.search}` };
};

const upload = async (id: string, sizeBytes: number, url: string, options: SyncOptions): Promise<void> => {
  const { client, origin, headers, port, signal } = options;
  const agent = headers['User-Agent'] ?? '';
  const answer = await client.ask(
    {
      ...targetOf(url, origin),
      method: 'PUT',
      headers: { 'User-Agent': agent, ...JSON_TYPE },
      body: { content: port.content(id), sizeBytes },
      signal,
    },
    MAX_BODY_BYTES,
  );
  if (answer.status !== 200) throw new HubRefusal(answer.status, reasonIn(`object ${id}`, answer.status, answer.body));
};

/**
 * HTTPS for sources of desired state: verified, bounded in time and size, through a proxy where there is one.
 *
 * In: requests. Out: answers of any status. Nothing that a server does hangs or fills the device: an answer has a
 * deadline, a body that is kept has a size, a stream has a lowest speed, redirects are counted. node:https is what the
 * daemon has loaded already for its own servers, so this costs no memory while nothing is asked for.
 */
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, type RequestOptions, request as secureRequest } from 'node:https';

export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  /** It is given whole URLs and speaks TLS with the server itself, instead of opening a tunnel. */
  readonly forwards: boolean;
}

export interface HttpClientOptions {
  /** PEM. */
  readonly certificateAuthorities: readonly string[];
  /** False: anybody may pretend to be the server. */
  readonly verify: boolean;
  readonly timeoutMs: () => number;
  readonly proxy: HttpProxy | undefined;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `https://host[:port]`. */
  readonly origin: string;
  /** With its query, sent as it is. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | { readonly content: AsyncIterable<Uint8Array>; readonly sizeBytes: number };
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** `<ip>:<port>` of the peer. */
  readonly address: string;
}

export interface HttpStream extends Omit<HttpAnswer, 'body'> {
  readonly content: AsyncIterable<Uint8Array>;
  /** Ends it early. */
  readonly cancel: () => void;
}

export interface HttpClient {
  /** @throws Error when there is no whole answer of at most `maxBytes`. */
  ask(request: HttpRequest, maxBytes: number): Promise<HttpAnswer>;
  /** As `ask`, for content of any size. Redirects of GET lead to any https server here. */
  stream(request: HttpRequest): Promise<HttpStream>;
  close(): void;
}

const MAX_REDIRECTS = 3;
/** A whole answer has this many times the time that a server may be silent for. */
const PATIENCE = 3;
/** Of a download, in one timeout: less is no download. */
const LEAST_BYTES = 4096;
const MAX_SOCKETS = 8;
const IDLE_SOCKET_MS = 30_000;
const SAME_REQUEST = [307, 308];
const REDIRECTS = [301, 302, 303, 307, 308];

export const openHttpClient = (options: HttpClientOptions): HttpClient => {
  const { proxy } = options;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    timeout: IDLE_SOCKET_MS,
    ca: [...options.certificateAuthorities],
    rejectUnauthorized: options.verify,
    ...(proxy === undefined || proxy.forwards
      ? {}
      : { proxyEnv: { HTTPS_PROXY: `http://${proxy.host}:${proxy.port}` } }),
  });

  const once = (request: HttpRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, origin, path, body, signal } = request;
      const url = new URL(origin);
      if (url.protocol !== 'https:') throw new Error(`${origin}: expected https`);
      const headers: Record<string, string> = { ...request.headers, Host: url.host };
      if (body !== undefined) headers['Content-Length'] = String(sizeOf(body));
      else if (method !== 'GET') headers['Content-Length'] = '0';
      const common: RequestOptions = { method, headers, signal, timeout: options.timeoutMs() };
      const outgoing =
        proxy?.forwards === true
          ? plainRequest({ ...common, host: proxy.host, port: proxy.port, path: `${origin}${path}` })
          : secureRequest({ ...common, agent, host: unbracketed(url.hostname), port: url.port || 443, path });
      outgoing.once('response', resolve);
      outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${options.timeoutMs()} ms`)));
      outgoing.on('error', reject);
      if (body === undefined || typeof body === 'string') outgoing.end(body);
      else send(body.content, outgoing).catch((error: unknown) => outgoing.destroy(asError(error)));
    });

  const follow = async (request: HttpRequest, redirects = MAX_REDIRECTS): Promise<IncomingMessage> => {
    const incoming = await once(request);
    const next = redirects > 0 ? redirectOf(incoming, request) : undefined;
    if (next === undefined) return incoming;
    incoming.resume();
    return follow(next, redirects - 1);
  };

  return {
    ask: async (request, maxBytes) => {
      const limit = AbortSignal.timeout(options.timeoutMs() * PATIENCE);
      const incoming = await follow({ ...request, signal: AbortSignal.any([request.signal, limit]) });
      const address = addressOf(incoming);
      return {
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        address,
        body: await whole(incoming, maxBytes),
      };
    },
    stream: async (request) => {
      const incoming = await follow(request);
      const { statusCode = 0, headers } = incoming;
      const content = lively(incoming, options.timeoutMs());
      return { status: statusCode, headers, address: addressOf(incoming), content, cancel: () => incoming.destroy() };
    },
    close: () => agent.destroy(),
  };
};

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');
const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const sizeOf = (body: NonNullable<HttpRequest['body']>): number =>
  typeof body === 'string' ? Buffer.byteLength(body) : body.sizeBytes;

const send = async (content: AsyncIterable<Uint8Array>, outgoing: ReturnType<typeof plainRequest>): Promise<void> => {
  for await (const chunk of content) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve));
  }
  outgoing.end();
};

const addressOf = ({ socket }: IncomingMessage): string => `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;

/**
 * Where a redirect leads. A request with credentials stays with its server and is repeated as it was (307, 308);
 * content without credentials may be anywhere.
 */
const redirectOf = (incoming: IncomingMessage, request: HttpRequest): HttpRequest | undefined => {
  const { statusCode = 0, headers } = incoming;
  const isOpen = request.method === 'GET' && request.headers['Authorization'] === undefined;
  if (headers.location === undefined || !(isOpen ? REDIRECTS : SAME_REQUEST).includes(statusCode)) return undefined;
  if (request.body !== undefined && typeof request.body !== 'string') return undefined; // sent once already
  const url = URL.parse(headers.location, `${request.origin}${request.path}`);
  if (url === null || url.protocol !== 'https:') return undefined;
  if (!isOpen && url.origin !== new URL(request.origin).origin) return undefined;
  return { ...request, origin: url.origin, path: `${url.pathname}${url.search}` };
};

const whole = async (incoming: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      incoming.destroy();
      throw new Error(`the answer has more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (!incoming.complete) throw new Error('the connection was cut in the middle of an answer');
  return Buffer.concat(chunks);
};

/** Content that keeps coming. A server that sends a byte now and then would keep a download alive for ever. */
async function* lively(incoming: IncomingMessage, timeoutMs: number): AsyncGenerator<Uint8Array> {
  let begunMs = performance.now();
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    yield chunk;
    const nowMs = performance.now();
    if (nowMs - begunMs < timeoutMs) continue;
    if (bytes < LEAST_BYTES) throw new Error(`only ${bytes} bytes came within ${timeoutMs} ms`);
    begunMs = nowMs;
    bytes = 0;
  }
  if (!incoming.complete) throw new Error('the connection was cut in the middle of a download');
}

/**
 * HTTP servers that survive their clients: sizes, times and the number of connections are limited, and a malformed
 * request is answered or dropped, never thrown.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { continueWhenRead } from './body.ts';
import { arm, disarm } from './request-deadline.ts';

// Importing it would load fetch and WebSocket, which the module re-exports: 13 MB that a daemon never uses.
const { createServer } = process.getBuiltinModule('node:http');

const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 256;
/** A connection on which nothing moves. */
const IDLE_MS = 50_000;
/** Node checks its own request deadlines by a timer that never sleeps; ours are timers of the connections. */
const NEVER_MS = 2 ** 31 - 1;

/** Those of Pantavisor's own server. */
const METHODS: readonly string[] = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE'];

export interface ServerOptions {
  /** Besides the usual ones. */
  readonly methods?: readonly string[];
  /** PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** A client that does not get on with it is let go. */
const HANDSHAKE_MS = 10_000;
const UNSUPPORTED = '{"Error": "Unsupported protocol"}';

/** Answers what is not HTTP as we speak it, and closes. */
const refuse = (socket: Socket, statusLine: string): void => {
  const head = `HTTP/1.1 ${statusLine}\r\nContent-Type: text/html\r\nConnection: close\r\n`;
  if (socket.writable) socket.end(`${head}Content-Length: ${UNSUPPORTED.length}\r\n\r\n${UNSUPPORTED}`);
  else socket.destroy();
};

/** Gives every request of a connection a deadline to arrive by; bodies of any size have their own (body.ts). */
const limitRequestTime = (server: Server, opened: 'connection' | 'secureConnection'): void => {
  server.on(opened, (socket: Socket) => {
    arm(socket);
    socket.once('close', () => disarm(socket));
  });
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    // A GET is whole now, and its answer may be a stream without end; other methods have a body to come.
    if (incoming.method === 'GET') disarm(socket);
    outgoing.once('finish', () => arm(socket));
  });
};

/** Requests that a connection may have on their way. Nobody needs to send the next before it has read the last answer. */
const MAX_PIPELINED = 8;

/**
 * What has arrived is parsed to its end, also for a socket that was destroyed: a thousand requests more, each with all
 * that is made for one. Whom Node's parser tells of them is not in its types; where that changes, it only takes longer.
 */
const hearNoMore = (socket: Socket): void => {
  const { parser } = socket as { readonly parser?: { onIncoming?: unknown } | null };
  if (typeof parser?.onIncoming === 'function') parser.onIncoming = () => 0;
  socket.destroy();
};

/**
 * One request of a connection after the other, however many it sends at once; and whoever sends them by the thousand
 * and reads no answer is let go: each would be kept until it is read.
 */
const oneByOne = (listener: RequestListener): RequestListener => {
  /** Those that are not answered yet; the first is being answered. */
  const lines = new WeakMap<Socket, (() => void)[]>();
  return (incoming, outgoing) => {
    const { socket } = incoming;
    const line = lines.get(socket) ?? [];
    if (socket.destroyed || line.length >= MAX_PIPELINED) {
      hearNoMore(socket);
      return;
    }
    const begin = (): void => {
      if (!socket.destroyed) listener(incoming, outgoing);
    };
    outgoing.once('close', () => {
      line.shift();
      line[0]?.();
    });
    lines.set(socket, line);
    line.push(begin);
    if (line.length === 1) begin();
  };
};

/** @param isHostAllowed of the Host header's value; what it refuses is not answered at all. */
const guarded =
  (
    listener: RequestListener,
    isHostAllowed: (host: string | undefined) => boolean,
    methods: readonly string[],
  ): RequestListener =>
  (incoming, outgoing) => {
    if (!isHostAllowed(incoming.headers.host)) incoming.socket.destroy();
    else if (methods.includes(incoming.method ?? '')) listener(incoming, outgoing);
    else refuse(incoming.socket, '501 Not Implemented');
  };

const serverFor = (listener: RequestListener, tls: ServerOptions['tls']): Server => {
  const limits = {
    requireHostHeader: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: NEVER_MS,
    keepAliveTimeout: IDLE_MS,
    keepAlive: true,
  };
  if (tls === undefined) return createServer(limits, listener);
  // Loaded by whoever needs it.
  const { createServer: createSecureServer } = process.getBuiltinModule('node:https');
  return createSecureServer({ ...limits, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS }, listener);
};

/** A server that does not listen yet. */
export const apiServer = (
  listener: RequestListener,
  isHostAllowed: (host: string | undefined) => boolean,
  { methods = [], tls }: ServerOptions = {},
): Server => {
  const server = serverFor(oneByOne(guarded(listener, isHostAllowed, [...METHODS, ...methods])), tls);
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = IDLE_MS;
  // nc -N, and with it pvcurl, closes its half when the request is sent; without this the answer would be dropped.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('clientError', (_error, socket: Socket) => refuse(socket, '400 Bad Request'));
  // Who does not speak TLS is not answered in the clear.
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    continueWhenRead(incoming, () => outgoing.writeContinue());
    server.emit('request', incoming, outgoing);
  });
  // Node would close the one without a word, and answer the other without a body.
  server.on('connect', (_incoming, socket: Socket) => refuse(socket, '501 Not Implemented'));
  server.on('checkExpectation', ({ socket }: IncomingMessage) => refuse(socket, '417 Expectation Failed'));
  limitRequestTime(server, tls === undefined ? 'connection' : 'secureConnection');
  return server;
};

/** Stops listening and ends every connection, watchers too. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve()); // its error says that it did not listen, which is what we want
    server.closeAllConnections();
  });

/** Requests as clients of all sorts send them, and what comes back. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Ask {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Whom to trust. */
  readonly ca?: string;
}

export interface Stream {
  text(): string;
  /** What came, as `[event, data]`. */
  events(): readonly (readonly [string, Readonly<Record<string, unknown>>])[];
  isEnded(): boolean;
  leave(): void;
}

export const ask = (url: URL, method: string, { token, headers = {}, body, ca }: Ask = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const outgoing = send(url, {
      method,
      agent: false,
      headers: { ...authorization, ...headers },
      // Whom is said by the certificate; what the test calls it is its own business.
      ...(ca === undefined ? {} : { ca, checkServerIdentity: () => undefined }),
    });
    outgoing.on('response', (incoming) => {
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        const isJson = incoming.headers['content-type']?.includes('json') === true && text !== '';
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: text,
          json: isJson ? JSON.parse(text) : {},
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

export const follow = (url: URL, method: string, { token, headers = {}, body }: Ask = {}): Stream => {
  let [text, isEnded] = ['', false];
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const outgoing = httpRequest(url, { method, agent: false, headers: { ...authorization, ...headers } });
  outgoing.on('response', (incoming) => {
    incoming.setEncoding('utf8');
    incoming.on('data', (piece: string) => {
      text += piece;
    });
    incoming.on('close', () => {
      isEnded = true;
    });
    incoming.on('error', () => undefined); // it is left
  });
  outgoing.on('error', () => undefined); // as above
  outgoing.end(body);
  return {
    text: () => text,
    events: () =>
      [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, name = '', data = '']) => [name, JSON.parse(data)]),
    isEnded: () => isEnded,
    leave: () => outgoing.destroy(),
  };
};

export const raw = (port: number, text: string, pauseMs = 0): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      answer += piece;
    });
    socket.on('error', () => undefined); // a reset is a way to close
    socket.on('close', () => resolve(answer));
    socket.write(text);
    if (pauseMs > 0) setTimeout(() => socket.destroy(), pauseMs);
  });

/** How answers look on the wire. */
import type { ServerResponse } from 'node:http';

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}
export type Reply =
  | (Head & { readonly body: string })
  /** Takes the connection over when the head is sent, and ends it when it likes. */
  | (Head & { readonly stream: (outgoing: ServerResponse) => void });

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Success with a document, compact unless it is text already. */
export const document = (body: object | string): Reply => ({
  status: 200,
  headers: JSON_TYPE,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** Plain success. */
export const accepted = (): Reply => ({ status: 200, headers: JSON_TYPE, body: '' });

export const failure = (status: number, message: string): Reply => ({
  status,
  headers: JSON_TYPE,
  body: JSON.stringify({ Error: message }),
});

/** Not now: after so long it may be worth another try. */
export const later = (message: string, seconds: number): Reply => {
  const reply = failure(503, message);
  return { ...reply, headers: { ...reply.headers, 'Retry-After': String(seconds) } };
};

/** Node still has the older name; clients show the line to people. */
const REASONS: Readonly<Record<number, string>> = { 422: 'Unprocessable Content' };

export const send = (outgoing: ServerResponse, reply: Reply): void => {
  const reason = REASONS[reply.status];
  if (reason !== undefined) outgoing.statusMessage = reason;
  if ('body' in reply) {
    const length = Buffer.byteLength(reply.body);
    outgoing.writeHead(reply.status, { ...reply.headers, 'Content-Length': length }).end(reply.body);
    return;
  }
  outgoing.writeHead(reply.status, reply.headers);
  if (outgoing.req.method === 'HEAD') outgoing.end();
  else reply.stream(outgoing);
};

/** What is served where things are pushed, and what it takes: `GET /v1/openapi.json` is made of these. */
import type { IncomingMessage } from 'node:http';
import type { Operation } from '../http/operation.ts';
import { failure, type Reply } from '../http/reply.ts';
import type { Client, Scope } from './scope.ts';

export interface PushRequest {
  readonly incoming: IncomingMessage;
  /** By name in the endpoint's path, as sent. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly client: Client;
  /** The client for people: `ci at 192.0.2.7`. */
  readonly from: string;
  /** What the client calls this server: `https://device:12368`. */
  readonly origin: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

export interface PushOperation extends Omit<Operation, 'handle'> {
  /** All of them are needed. `signed`: the URL itself says who gave it to whom, for what, and until when. */
  readonly scopes: readonly Scope[] | 'signed';
  readonly handle: (request: PushRequest) => Promise<Reply> | Reply;
}

export type PushMethod = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH';

export interface PushEndpoint {
  /** `{name}` stands for any one segment. A slash at the end of a request's path makes no difference. */
  readonly path: string;
  readonly methods: { readonly [M in PushMethod]?: PushOperation };
}

/** A refusal with headers of its own. */
export const refusal = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Reply => {
  const reply = failure(status, message);
  return { ...reply, headers: { ...reply.headers, ...headers } };
};

/** The answer to a client that lacks a scope; undefined: it has it. */
export const lacking = ({ scopes }: Client, needed: readonly Scope[]): Reply | undefined => {
  if (needed.every((scope) => scopes.has(scope))) return undefined;
  const all = needed.join(' ');
  return refusal(403, `This token lacks a scope: expected ${all}, but it has ${[...scopes].join(' ')}`, {
    'WWW-Authenticate': `Bearer realm="pantavisor", error="insufficient_scope", scope="${all}"`,
  });
};

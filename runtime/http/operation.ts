/** What an endpoint does with one method, and how it is documented: `GET /openapi.json` is made of these. */
import type { IncomingMessage } from 'node:http';
import type { Caller } from './peer.ts';
import type { Reply } from './reply.ts';

export interface ApiRequest {
  readonly incoming: IncomingMessage;
  readonly caller: Caller;
  /** By name in the endpoint's path, as sent: `/containers/web` is `{ container: 'web' }`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The name of a schema that the server's OpenAPI document holds; a test checks that it does. */
export type Shape = string;

/** A body of this media type. */
export interface Content {
  readonly type: string;
  readonly schema?: Shape;
}

export interface Operation {
  /** One line, for people who look for it. */
  readonly summary: string;
  /** What a request carries; undefined: nothing. */
  readonly body?: Shape;
  /** The same, of another type than JSON. */
  readonly content?: Content;
  /** What may stand behind the `?`. */
  readonly query?: Readonly<Record<string, string>>;
  /** Request headers that mean something here. */
  readonly headers?: Readonly<Record<string, string>>;
  /** By status. Every endpoint may refuse with `{"Error": …}` besides. */
  readonly answers: Readonly<Record<number, Content | 'nothing'>>;
  readonly handle: (request: ApiRequest) => Promise<Reply> | Reply;
}

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface Endpoint {
  /** `{name}` stands for any one segment. */
  readonly path: string;
  /** mgmt: processes of the host, and containers with that role. any: every container of the revision, too. */
  readonly role: 'mgmt' | 'any';
  readonly methods: { readonly [M in Method]?: Operation };
}

export const json = (schema: Shape): Content => ({ type: 'application/json', schema });

/** The usual endpoint: somebody looks at a document. */
export const look = (path: string, summary: string, schema: Shape, handle: Operation['handle']): Endpoint => ({
  path,
  role: 'mgmt',
  methods: { GET: { summary, answers: { 200: json(schema) }, handle } },
});

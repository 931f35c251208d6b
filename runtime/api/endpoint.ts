/**
 * Endpoints with Pantavisor's conventions (ctrl-api.md §2, §3): who may call is decided before what is asked, names are
 * never percent-decoded, and there is neither a 404 for a path nor a 405 for a method: both are 400.
 */
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { ApiDeps, Caller } from './deps.ts';
import { failure } from './reply.ts';

interface Environment {
  Bindings: HttpBindings;
}
export type ApiContext = Context<Environment>;
export type ApiApp = Hono<Environment>;

export interface ApiRequest {
  readonly context: ApiContext;
  readonly caller: Caller;
  /** The path's segments as sent: `/containers/web` is `['containers', 'web']`. */
  readonly segments: readonly string[];
}
type Handler = (request: ApiRequest) => Promise<Response> | Response;
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface Endpoint {
  /** As Hono has it: `/containers/:name`. */
  readonly path: string;
  /** mgmt: processes of the host, and containers with that role. any: every container of the revision, too. */
  readonly role: 'mgmt' | 'any';
  readonly methods: { readonly [M in Method]?: Handler };
}

const MAX_SEGMENT_BYTES = 255;

const segmentsOf = (path: string): readonly string[] => path.split('/').filter((segment) => segment !== '');

/** Paths with names in them ignore empty segments, `/groups/` on the other hand is not `/groups`. */
const routePath = (uri: string): string => {
  const path = uri.replace(/\?.*$/s, '');
  const segments = segmentsOf(path);
  return segments.length < 2 ? path : `/${segments.join('/')}`;
};

const unknownEndpoint = (context: ApiContext): Response =>
  failure(400, `unknown endpoint: ${context.env.incoming.url ?? ''}`);

/** An app without endpoints, which answers errors of ours without dying of them. */
export const apiApp = (report: ApiDeps['report']): ApiApp => {
  // The URL class would resolve `..` and decode: the router is shown what was sent.
  const app: ApiApp = new Hono<Environment>({ getPath: (_, options) => routePath(options?.env?.incoming.url ?? '') });
  app.notFound(unknownEndpoint);
  app.onError((error, context) => {
    report(error, `${context.req.method} ${context.req.path}`);
    return failure(500, 'Internal error');
  });
  return app;
};

/** A container that the running revision declares. LXC appends `-<n>` to a cgroup whose name was taken. */
const declared = (name: string, snapshot: Snapshot): string | undefined =>
  [name, name.replace(/-\d+$/, '')].find((candidate) => resourceIn(snapshot, refOf('container', candidate)).spec);

const callerOf = async (context: ApiContext, deps: ApiDeps): Promise<Caller | undefined> => {
  const caller = await deps.identify(context.env.incoming.socket);
  if (caller === undefined || caller === 'host') return caller;
  const container = declared(caller.container, deps.snapshot());
  return container === undefined ? undefined : { container };
};

const isManager = (caller: Caller, snapshot: Snapshot): boolean =>
  caller === 'host' || resourceIn(snapshot, refOf('container', caller.container)).spec?.roles.includes('mgmt') === true;

/** The two kinds of paths word their refusals differently, and clients compare. */
const REFUSALS = {
  plain: { caller: 'Internal Error', role: 'Request not sent from a mgmt platform' },
  named: { caller: 'Internal error, unknown caller', role: 'Request not sent from mgmt platform' },
};

const isMethod = (method: string, methods: Endpoint['methods']): method is Method => Object.hasOwn(methods, method);

/** Adds an endpoint for identified callers. */
export const addEndpoint = (app: ApiApp, { path, role, methods }: Endpoint, deps: ApiDeps): void => {
  const refusals = path.includes(':') ? REFUSALS.named : REFUSALS.plain;
  app.all(path, async (context) => {
    const segments = segmentsOf(context.req.path);
    if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) return unknownEndpoint(context);
    const caller = await callerOf(context, deps);
    if (caller === undefined) return failure(500, refusals.caller);
    const { method } = context.req;
    const handle = isMethod(method, methods) ? methods[method] : undefined;
    if (handle === undefined) return failure(400, 'Method not supported for this endpoint');
    if (role === 'mgmt' && !isManager(caller, deps.snapshot())) return failure(403, refusals.role);
    return handle({ context, caller, segments });
  });
};

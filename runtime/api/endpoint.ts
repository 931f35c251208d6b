/**
 * Endpoints with Pantavisor's conventions (ctrl-api.md §2, §3): who may call is decided before what is asked, names are
 * never percent-decoded, and there is neither a 404 for a path nor a 405 for a method: both are 400.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { ApiDeps, Caller } from './deps.ts';
import { failure, type Reply, send } from './reply.ts';

export interface ApiRequest {
  readonly incoming: IncomingMessage;
  readonly caller: Caller;
  /** The path's segments as sent: `/containers/web` is `['containers', 'web']`. */
  readonly segments: readonly string[];
}
type Handler = (request: ApiRequest) => Promise<Reply> | Reply;
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface Endpoint {
  /** `{}` stands for any one segment. */
  readonly path: string;
  /** mgmt: processes of the host, and containers with that role. any: every container of the revision, too. */
  readonly role: 'mgmt' | 'any';
  readonly methods: { readonly [M in Method]?: Handler };
}

const MAX_SEGMENT_BYTES = 255;

const segmentsOf = (path: string): readonly string[] => path.split('/').filter((segment) => segment !== '');

const isCustom = (path: string): boolean => path.includes('{}');

/** Paths with names in them ignore empty segments; `/groups/` on the other hand is not `/groups`. */
const isMatch = ({ path }: Endpoint, requested: string, segments: readonly string[]): boolean => {
  if (!isCustom(path)) return path === requested;
  const pattern = segmentsOf(path);
  return (
    pattern.length === segments.length &&
    segments.every((segment, at) => pattern[at] === segment || pattern[at] === '{}') &&
    segments.every((segment) => Buffer.byteLength(segment) <= MAX_SEGMENT_BYTES)
  );
};

/** A container that the running revision declares. LXC appends `-<n>` to a cgroup whose name was taken. */
const declared = (name: string, snapshot: Snapshot): string | undefined =>
  [name, name.replace(/-\d+$/, '')].find((candidate) => resourceIn(snapshot, refOf('container', candidate)).spec);

const callerOf = async (incoming: IncomingMessage, deps: ApiDeps): Promise<Caller | undefined> => {
  const caller = await deps.identify(incoming.socket);
  if (caller === undefined || caller === 'host') return caller;
  const container = declared(caller.container, deps.snapshot());
  return container === undefined ? undefined : { container };
};

const isManager = (caller: Caller, snapshot: Snapshot): boolean =>
  caller === 'host' || resourceIn(snapshot, refOf('container', caller.container)).spec?.roles.includes('mgmt') === true;

/** The two kinds of paths word their refusals differently, and clients compare. */
const REFUSALS = {
  plain: { caller: 'Internal Error', role: 'Request not sent from a mgmt platform' },
  custom: { caller: 'Internal error, unknown caller', role: 'Request not sent from mgmt platform' },
};

const isMethod = (method: string, methods: Endpoint['methods']): method is Method => Object.hasOwn(methods, method);

const answer = async (incoming: IncomingMessage, endpoints: readonly Endpoint[], deps: ApiDeps): Promise<Reply> => {
  const { url = '', method = '' } = incoming;
  const path = url.replace(/\?.*$/s, '');
  const segments = segmentsOf(path);
  const endpoint = endpoints.find((candidate) => isMatch(candidate, path, segments));
  if (endpoint === undefined) return failure(400, `unknown endpoint: ${url}`);

  const refusals = isCustom(endpoint.path) ? REFUSALS.custom : REFUSALS.plain;
  const caller = await callerOf(incoming, deps);
  if (caller === undefined) return failure(500, refusals.caller);
  const handle = isMethod(method, endpoint.methods) ? endpoint.methods[method] : undefined;
  if (handle === undefined) return failure(400, 'Method not supported for this endpoint');
  if (endpoint.role === 'mgmt' && !isManager(caller, deps.snapshot())) return failure(403, refusals.role);
  return handle({ incoming, caller, segments });
};

/** Answers requests by these endpoints. An error of ours is reported and told as 500. */
export const listenerFor =
  (endpoints: readonly Endpoint[], deps: ApiDeps): RequestListener =>
  (incoming, outgoing) => {
    answer(incoming, endpoints, deps)
      .catch((error: unknown) => {
        // A client that left in the middle of its body is no error of ours, and hears nothing either.
        if (!incoming.destroyed) deps.report(error, `${incoming.method} ${incoming.url}`);
        return failure(500, 'Internal error');
      })
      .then((reply) => send(outgoing, reply));
  };

/**
 * Answers requests with Pantavisor's conventions: who may call is decided before what is asked, and
 * there is neither a 404 for a path nor a 405 for a method: both are 400.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { Crowded, forget } from '../http/body.ts';
import type { Endpoint, Method } from '../http/operation.ts';
import type { Caller } from '../http/peer.ts';
import { failure, later, type Reply, send } from '../http/reply.ts';
import { isCustom, type Route, routesOf } from '../http/routes.ts';
import type { ApiDeps } from './ports.ts';

/** A container that the running revision declares. LXC appends `-<n>` to a cgroup whose name was taken. */
const declared = (name: string, snapshot: Snapshot): string | undefined =>
  [name, name.replace(/-\d+$/, '')].find((candidate) => resourceIn(snapshot, refOf('container', candidate)).spec);

const callerOf = (incoming: IncomingMessage, deps: ApiDeps): Caller | undefined => {
  const caller = deps.identify(incoming.socket)?.caller;
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

type Find = (target: string) => Route<Endpoint> | undefined;

const answer = async (incoming: IncomingMessage, method: string, find: Find, deps: ApiDeps): Promise<Reply> => {
  const { url = '' } = incoming;
  const route = find(url);
  if (route === undefined) return failure(400, `unknown endpoint: ${url}`);

  const { endpoint, parameters } = route;
  const refusals = isCustom(endpoint) ? REFUSALS.custom : REFUSALS.plain;
  const caller = callerOf(incoming, deps);
  if (caller === undefined) return failure(500, refusals.caller);
  const operation = isMethod(method, endpoint.methods) ? endpoint.methods[method] : undefined;
  if (operation === undefined) return failure(400, 'Method not supported for this endpoint');
  if (endpoint.role === 'mgmt' && !isManager(caller, deps.snapshot())) return failure(403, refusals.role);
  return operation.handle({ incoming, caller, parameters });
};

/**
 * Answers requests by these endpoints. An error of ours is reported and told as 500.
 * @param methodOf the method to answer as; a status page answers HEAD as GET, the control socket does not.
 */
export const listenerFor = (
  endpoints: readonly Endpoint[],
  deps: ApiDeps,
  methodOf = (method: string): string => method,
): RequestListener => {
  const find = routesOf(endpoints);
  return (incoming, outgoing) => {
    answer(incoming, methodOf(incoming.method ?? ''), find, deps)
      .catch((error: unknown) => {
        if (error instanceof Crowded) return later(error.message, 1);
        // A client that left in the middle of its body is no error of ours, and hears nothing either.
        if (!incoming.destroyed) deps.report(error, `${incoming.method} ${incoming.url}`);
        return failure(500, 'Internal error');
      })
      .then((reply) => {
        send(outgoing, reply);
        if (!incoming.complete) forget(incoming);
      });
  };
};

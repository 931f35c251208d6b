/**
 * Answers requests where things are pushed: who may come in is decided before anything is looked at, and what was done
 * or refused is written down. One answer to every request, and errors of ours are told as 500.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { nearest } from '../../resources/nearest.ts';
import { Crowded } from '../http/body.ts';
import { failure, later, type Reply } from '../http/reply.ts';
import { routesOf } from '../http/routes.ts';
import { Rejection } from '../store/rejection.ts';
import { addressOf } from './address.ts';
import type { Arrival, Door } from './admission.ts';
import type { Audit } from './audit.ts';
import { sendInTime } from './early-refusal.ts';
import { type PushEndpoint, type PushMethod, type PushOperation, refusal } from './push-operation.ts';

export interface AnsweringOptions {
  readonly endpoints: readonly PushEndpoint[];
  readonly door: Door;
  readonly audit: Audit;
  readonly scheme: 'http' | 'https';
  /** Why a request is not for us; see origin.ts. */
  readonly originProblem: (
    incoming: IncomingMessage,
  ) => { readonly status: number; readonly message: string } | undefined;
  readonly report: (error: unknown, doing: string) => void;
}

interface Answer {
  readonly reply: Reply;
  /** Who it was, for the log. */
  readonly from: string;
  readonly isKnown: boolean;
}

type Found = { readonly operation: PushOperation; readonly parameters: Readonly<Record<string, string>> };

const findIn = (endpoints: readonly PushEndpoint[]) => {
  const find = routesOf(endpoints);
  return (method: string, path: string): Found | Reply => {
    const route = find(path);
    if (route === undefined) return failure(404, `There is nothing at ${path.slice(0, 200)}: see /v1/openapi.json`);
    const { endpoint, parameters } = route;
    const { methods } = endpoint;
    const operation = Object.hasOwn(methods, method) ? methods[method as PushMethod] : undefined; // one of its own keys
    if (operation !== undefined) return { operation, parameters };
    const allowed = Object.keys(methods).join(', ');
    return refusal(405, `Method not supported for this endpoint: expected ${allowed}`, { Allow: allowed });
  };
};

const arrivalOf = (incoming: IncomingMessage): Arrival => {
  const { url = '/', method = '' } = incoming;
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2);
  return {
    incoming,
    method,
    path: path.replace(/(?<=.)\/+$/, ''),
    query: new URLSearchParams(query),
    address: addressOf(incoming.socket.remoteAddress),
  };
};

const goneWith = (outgoing: ServerResponse): AbortSignal => {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  return gone.signal;
};

/** Nobody's connection, or one that was taken over, is no error of ours. */
const replyFor = (error: unknown, incoming: IncomingMessage, report: AnsweringOptions['report']): Reply => {
  if (error instanceof Rejection) return failure(409, error.message);
  if (error instanceof Crowded) return later(error.message, 1);
  if (!incoming.destroyed) report(error, `${incoming.method} ${incoming.url?.replace(/\?.*$/s, '')}`);
  return failure(500, 'Internal error');
};

/** What nobody reads may be what it was all about: `?runn=true`. */
const unknownIn = (query: URLSearchParams, { query: known = {}, scopes }: PushOperation): Reply | undefined => {
  const unknown = [...query.keys()].find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined || scopes === 'signed') return undefined;
  const meant = nearest(unknown, Object.keys(known));
  const expected = Object.keys(known).length === 0 ? 'none' : `one of ${Object.keys(known).join(', ')}`;
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return failure(400, `${JSON.stringify(unknown.slice(0, 40))} is no parameter here, expected ${expected}${hint}`);
};

export const answering = (options: AnsweringOptions): RequestListener => {
  const { door, audit, scheme, originProblem, report } = options;
  const find = findIn(options.endpoints);

  const answer = async (arrival: Arrival, outgoing: ServerResponse): Promise<Answer> => {
    const { incoming, method, path, query, address } = arrival;
    const turnedAway = (reply: Reply): Answer => ({ reply, from: `somebody at ${address}`, isKnown: false });
    const refused = door.knock(address);
    if (refused !== undefined) return turnedAway(refused);
    const foreign = originProblem(incoming);
    if (foreign !== undefined) return turnedAway(failure(foreign.status, foreign.message));
    const found = find(method, path);
    if ('status' in found) return turnedAway(found);
    const admission = door.admit(arrival, found.operation);
    if ('refused' in admission) return turnedAway(admission.refused);

    const { client } = admission;
    const unknown = unknownIn(query, found.operation);
    if (unknown !== undefined) return { reply: unknown, from: `${client.name} at ${address}`, isKnown: true };
    const from = `${client.name} at ${address}`;
    const { parameters } = found;
    const origin = `${scheme}://${incoming.headers.host ?? 'localhost'}`;
    const request = { incoming, parameters, query, client, from, origin, gone: goneWith(outgoing) };
    const reply = await Promise.resolve(found.operation.handle(request)).catch((error: unknown) =>
      replyFor(error, incoming, report),
    );
    return { reply, from, isKnown: true };
  };

  return (incoming, outgoing) => {
    const arrival = arrivalOf(incoming);
    answer(arrival, outgoing)
      .catch((error: unknown): Answer => {
        const reply = replyFor(error, incoming, report);
        return { reply, from: `somebody at ${arrival.address}`, isKnown: false };
      })
      .then(({ reply, from, isKnown }) => {
        const { method, path } = arrival;
        audit.answered({ from, isKnown, method, path, status: reply.status });
        return sendInTime(incoming, outgoing, reply);
      })
      .catch((error: unknown) => {
        // Who left while the rest of its request was read is no error of ours.
        if (!incoming.destroyed) report(error, 'answering where things are pushed');
        outgoing.destroy();
      });
  };
};

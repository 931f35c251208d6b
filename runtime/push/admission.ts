/**
 * Who may come in. In: a request's head. Out: a client, or the refusal.
 *
 *   from here? ─► not too often? ─► no guesses before? ─► a token, or a signed URL? ─► not too often? ─► the scopes?
 */
import type { IncomingMessage } from 'node:http';
import type { Reply } from '../http/reply.ts';
import { neighbourhoodOf } from './address.ts';
import { lacking, type PushOperation, refusal } from './push-operation.ts';
import { rateOf } from './rates.ts';
import { ANYBODY, type Client } from './scope.ts';
import type { Signing } from './signed-urls.ts';
import { type Token, tokenFor } from './tokens.ts';

export interface DoorOptions {
  /** undefined: none is asked for. Asked at every request. */
  readonly tokens: () => readonly Token[] | undefined;
  readonly signing: Signing;
  readonly rate: number;
  readonly nowMs: () => number;
}

export interface Arrival {
  readonly incoming: IncomingMessage;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly address: string;
}

export type Admission = { readonly client: Client } | { readonly refused: Reply };

export interface Door {
  /** Before anything is looked at; undefined: go on. */
  knock(address: string): Reply | undefined;
  admit(arrival: Arrival, operation: PushOperation): Admission;
}

/** What may come at once after a while of quiet, in seconds of it. */
const BURST_SECONDS = 10;
/** Wrong tokens of one address. */
const GUESSES = { perSecond: 1 / 6, burst: 10 };

const tooMany = (seconds: number, what: string): Reply =>
  refusal(429, `Too many ${what}. Try again in ${seconds} s`, { 'Retry-After': String(seconds) });

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="pantavisor"' };
/** pvr answers a challenge by asking its user for a password of the Hub, which is of no use here. */
const challengeFor = (path: string): { readonly status: number; readonly headers: Readonly<Record<string, string>> } =>
  path.startsWith('/cgi-bin/') ? { status: 403, headers: {} } : { status: 401, headers: CHALLENGE };

const bearerIn = ({ headers }: IncomingMessage): string | undefined =>
  /^bearer +(\S{1,1024}) *$/i.exec(headers.authorization ?? '')?.[1];

export const openDoor = ({ tokens, signing, rate, nowMs }: DoorOptions): Door => {
  const addresses = rateOf({ perSecond: rate, burst: rate * BURST_SECONDS, nowMs });
  const clients = rateOf({ perSecond: rate, burst: rate * BURST_SECONDS, nowMs });
  const guesses = rateOf({ ...GUESSES, nowMs });

  const named = (name: string): Client | undefined => {
    const known = tokens();
    return known === undefined ? ANYBODY : known.find((token) => token.name === name);
  };

  const refuse = ({ address, path }: Arrival, isGuess: boolean): Admission => {
    if (isGuess) guesses.take(neighbourhoodOf(address));
    const { status, headers } = challengeFor(path);
    const message = isGuess
      ? 'This is no token of this device'
      : 'A token is needed: "Authorization: Bearer TOKEN", with pvr: -a TOKEN';
    return { refused: refusal(status, message, headers) };
  };

  const identify = (arrival: Arrival, { scopes }: PushOperation): Admission => {
    const { incoming, method, path, query } = arrival;
    if (scopes === 'signed') {
      const name = signing.verify(method, path, query);
      const client = name === undefined ? undefined : named(name);
      return client === undefined
        ? { refused: refusal(403, 'This URL was not signed, or is not valid any more: ask for another one') }
        : { client };
    }
    const known = tokens();
    if (known === undefined) return { client: ANYBODY };
    const secret = bearerIn(incoming);
    const client = secret === undefined ? undefined : tokenFor(secret, known);
    return client === undefined ? refuse(arrival, incoming.headers.authorization !== undefined) : { client };
  };

  return {
    knock: (address) => {
      const neighbourhood = neighbourhoodOf(address);
      const seconds = addresses.take(neighbourhood);
      if (seconds > 0) return tooMany(seconds, 'requests from this address');
      const locked = guesses.wait(neighbourhood);
      return locked > 0 ? tooMany(locked, 'wrong tokens from this address') : undefined;
    },
    admit: (arrival, operation) => {
      const identified = identify(arrival, operation);
      if ('refused' in identified) return identified;
      const { client } = identified;
      const seconds = clients.take(client.name);
      if (seconds > 0) return { refused: tooMany(seconds, 'requests with this token') };
      const refused = operation.scopes === 'signed' ? undefined : lacking(client, operation.scopes);
      return refused === undefined ? { client } : { refused };
    },
  };
};

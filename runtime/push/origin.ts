/**
 * Whether a request can come from a page in somebody's browser. A page may send what it likes to any address, and a
 * name server may lead it here under its own name; what it cannot do is leave out `Origin`, or choose `Host`.
 */
import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isStatusHost } from '../http/host-header.ts';

export interface OriginOptions {
  readonly listenHost: string;
  /** The machine's own name. */
  readonly hostname: string;
  /** Whoever has to know a token is no page that was led here: the device may be called by its name. */
  readonly hasTokens: boolean;
  /** Names of a certificate were given to this device by somebody who may. */
  readonly certificate: X509Certificate | undefined;
}

const nameIn = (host: string): string => host.replace(/:\d*$/, '').toLowerCase();

const isOwnName = (host: string, { hostname, hasTokens, certificate }: OriginOptions): boolean => {
  const name = nameIn(host);
  if (certificate?.checkHost(name) !== undefined) return true;
  return hasTokens && [hostname, `${hostname}.local`].some((own) => own.toLowerCase() === name);
};

/** Why a request is not answered; undefined: it is. */
export const originProblem = (
  headers: IncomingHttpHeaders,
  scheme: 'http' | 'https',
  options: OriginOptions,
): { readonly status: number; readonly message: string } | undefined => {
  const { host, origin } = headers;
  const isHere = isStatusHost(options.listenHost)(host) || (host !== undefined && isOwnName(host, options));
  if (!isHere)
    return {
      status: 421,
      message: `Host is ${JSON.stringify(host?.slice(0, 80))}, expected this device's address, its own name, or a name of its certificate`,
    };
  const site = headers['sec-fetch-site'];
  const isForeign = origin !== undefined && origin !== `${scheme}://${host}`;
  if (isForeign || site === 'cross-site' || site === 'same-site')
    return { status: 403, message: 'Pages of other sites may not ask this device for anything' };
  return undefined;
};

/**
 * Pushing from outside: what `PV_PVR_LISTEN` and the keys beside it ask for, and why that cannot be had.
 *
 * A listener that is refused is told, and the device runs without it: a mistake here must not take a device down.
 */
import { BlockList, isIP } from 'node:net';
import { ConfigError } from './config-error.ts';
import type { ConfigValues } from './keys.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';

export interface PushSettings {
  readonly listen: ListenAddress;
  readonly isLoopback: boolean;
  /** Directory of token files; undefined: whoever can connect may do everything. Loopback only. */
  readonly tokens: string | undefined;
  /** PEM files; undefined: plain HTTP. Loopback only. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Requests a second, of one address and of one token. */
  readonly rate: number;
}

export type PushConfig = PushSettings | { readonly refused: string };

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** A name other than localhost may stand for any address, and for another one tomorrow. */
const isLoopback = (host: string): boolean => {
  const version = isIP(host);
  return version === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
};

const MAX_RATE = 100_000;

/** An absolute path; undefined: not set. @throws ConfigError */
const pathOf = (key: string, text: string | undefined): string | undefined => {
  if (text === undefined || text === '') return undefined;
  if (!text.startsWith('/') || text.includes('\0'))
    throw new ConfigError(`${key} is ${JSON.stringify(text)}, expected an absolute path`);
  return text;
};

/** @throws ConfigError */
const tlsOf = ({ PV_PVR_TLS_CERT, PV_PVR_TLS_KEY }: ConfigValues): PushSettings['tls'] => {
  const [cert, key] = [pathOf('PV_PVR_TLS_CERT', PV_PVR_TLS_CERT), pathOf('PV_PVR_TLS_KEY', PV_PVR_TLS_KEY)];
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  const [set, missing] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
  throw new ConfigError(`PV_PVR_TLS_${set} is set without PV_PVR_TLS_${missing}: TLS needs both`);
};

/** @throws ConfigError */
const checkReach = (text: string, { isLoopback, tokens, tls }: PushSettings): void => {
  if (isLoopback) return;
  const missing = [
    ...(tokens === undefined ? ['PV_PVR_TOKENS (a directory of token files)'] : []),
    ...(tls === undefined ? ['PV_PVR_TLS_CERT and PV_PVR_TLS_KEY (PEM files)'] : []),
  ];
  if (missing.length === 0) return;
  throw new ConfigError(
    `PV_PVR_LISTEN is ${JSON.stringify(text)}, which others on the network can reach: whoever did could run anything ` +
      `on this device, so it needs ${missing.join(', and ')}; or listen on 127.0.0.1`,
  );
};

const settingsOf = (text: string, values: ConfigValues): PushSettings => {
  const listen = listenAddress(text, 'PV_PVR_LISTEN');
  const { PV_PVR_RATE: rate } = values;
  if (rate < 1 || rate > MAX_RATE)
    throw new ConfigError(`PV_PVR_RATE is ${rate}, expected requests per second, from 1 to ${MAX_RATE}`);
  const settings: PushSettings = {
    listen,
    isLoopback: isLoopback(listen.host),
    tokens: pathOf('PV_PVR_TOKENS', values.PV_PVR_TOKENS),
    tls: tlsOf(values),
    rate,
  };
  checkReach(text, settings);
  return settings;
};

/** undefined: nobody asked for it. */
export const pushConfigOf = (values: ConfigValues): PushConfig | undefined => {
  const text = values.PV_PVR_LISTEN;
  if (text === undefined || text === '') return undefined;
  try {
    return settingsOf(text, values);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { refused: error.message };
  }
};

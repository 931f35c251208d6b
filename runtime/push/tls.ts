/** The certificate and its key: read and held to everything that would make a client's connection fail. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Files } from '../host/host.ts';
import { exposure, readNamed } from './secret-file.ts';

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly leaf: X509Certificate;
  /** What is not as it should be, and no reason to refuse it. */
  readonly warning: string | undefined;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

const MAX_BYTES = 256 * 1024;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const leafIn = (path: string, pem: Buffer): X509Certificate | string => {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    return `PV_PVR_TLS_CERT is ${path}, expected a certificate in PEM (-----BEGIN CERTIFICATE-----): ${reasonOf(error)}`;
  }
};

const keyIn = (path: string, pem: Buffer): KeyObject | string => {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    return `PV_PVR_TLS_KEY is ${path}, expected a private key in PEM without a passphrase: ${reasonOf(error)}`;
  }
};

/** A clock that was not set yet says nothing about a beginning; an end that has passed is one. */
const ageOf = (leaf: X509Certificate, now: Date): { readonly problem?: string; readonly warning?: string } => {
  const [from, to] = [leaf.validFromDate, leaf.validToDate];
  if (to < now)
    return { problem: `it has expired on ${to.toISOString()}: put a new one in its place, it is taken up at once` };
  if (from > now) return { warning: `is valid from ${from.toISOString()} on, but the clock says ${now.toISOString()}` };
  const days = Math.floor((to.getTime() - now.getTime()) / DAY_MS);
  return days < SOON_DAYS ? { warning: `expires in ${days} days, on ${to.toISOString()}` } : {};
};

/** @returns in a sentence why there is none, and what to do about it. */
export const loadTls = async (files: Files, paths: TlsFiles, now: Date): Promise<Tls | string> => {
  const cert = await readNamed(files, 'PV_PVR_TLS_CERT', paths.cert, MAX_BYTES);
  if (typeof cert === 'string') return cert;
  const key = await readNamed(files, 'PV_PVR_TLS_KEY', paths.key, MAX_BYTES);
  if (typeof key === 'string') return key;
  const exposed = exposure(paths.key, key);
  if (exposed !== undefined) return `PV_PVR_TLS_KEY: ${exposed}`;
  const leaf = leafIn(paths.cert, cert.content);
  if (typeof leaf === 'string') return leaf;
  const secret = keyIn(paths.key, key.content);
  if (typeof secret === 'string') return secret;
  if (!leaf.checkPrivateKey(secret))
    return `PV_PVR_TLS_KEY is ${paths.key}, which is not the key of the certificate in ${paths.cert}: they must be made together`;
  const { problem, warning } = ageOf(leaf, now);
  if (problem !== undefined) return `PV_PVR_TLS_CERT is ${paths.cert}: ${problem}`;
  return {
    cert: cert.content,
    key: key.content,
    leaf,
    warning: warning === undefined ? undefined : `PV_PVR_TLS_CERT is ${paths.cert}, which ${warning}`,
  };
};

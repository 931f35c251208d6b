/**
 * Whether a chain of certificates leads from a leaf to one that the device trusts. Signatures, issuers and the right to
 * issue are checked by OpenSSL, through Node. Not judged: `pathlen`, name constraints, unknown critical extensions.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';

const MAX_CHAIN = 16;

export type Chain = { readonly key: KeyObject; readonly commonName: string } | { readonly fault: string };

/** The certificates of a PEM file, which may be many. @throws Error for one that cannot be read. */
export const certificatesIn = (pem: string): readonly string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];

const read = (encoded: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(encoded.startsWith('-----') ? encoded : Buffer.from(encoded, 'base64'));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined; // what OpenSSL cannot read
    throw error;
  }
};

export const commonNameOf = (certificate: X509Certificate): string =>
  /^CN=(.*)$/m.exec(certificate.subject)?.[1]?.trim() ?? '';

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

const isCurrent = ({ validFromDate, validToDate }: X509Certificate, nowMs: number | undefined): boolean =>
  nowMs === undefined || (nowMs >= validFromDate.getTime() && nowMs <= validToDate.getTime());

/** The leaf of `encoded` (base64 DER, leaf first); undefined: there is none that can be read. */
export const leafOf = (encoded: readonly string[]): X509Certificate | undefined => {
  const [first] = encoded;
  return first === undefined ? undefined : read(first);
};

/**
 * Reads the anchors once. Many signatures of a state have the same certificates: each chain is judged once too.
 *
 * @param anchors PEM
 * @param nowMs wall clock; undefined: dates are not judged
 */
export const openChains = (anchors: readonly string[], nowMs: number | undefined): Chains => {
  let trusted: readonly X509Certificate[] | undefined;
  const known = new Map<string, Chain>();
  return (encoded) => {
    const name = encoded.join();
    const before = known.get(name);
    if (before !== undefined) return before;
    trusted ??= anchors.map(read).filter((each) => each !== undefined);
    const chain = chainOf(encoded, trusted, nowMs);
    known.set(name, chain);
    return chain;
  };
};

/** In: base64 DER, leaf first; the rest in any order. */
export type Chains = (encoded: readonly string[]) => Chain;

const chainOf = (encoded: readonly string[], trusted: readonly X509Certificate[], nowMs: number | undefined): Chain => {
  const given = encoded.slice(0, MAX_CHAIN).map(read);
  const [leaf] = given;
  if (leaf === undefined) return { fault: 'its certificate cannot be read' };
  const issuers = given.slice(1).filter((each) => each !== undefined);
  let current = leaf;
  for (let depth = 0; depth < MAX_CHAIN; depth += 1) {
    const at = current;
    if (!isCurrent(at, nowMs)) return { fault: `the certificate of "${commonNameOf(at)}" is not valid at this time` };
    const isAnchor = trusted.some((anchor) => anchor.raw.equals(at.raw));
    const issuer = trusted.find((anchor) => isIssuedBy(at, anchor));
    if (isAnchor || (issuer !== undefined && isCurrent(issuer, nowMs)))
      return { key: leaf.publicKey, commonName: commonNameOf(leaf) };
    const next = issuers.find((candidate) => !candidate.raw.equals(at.raw) && isIssuedBy(at, candidate));
    if (next === undefined) return { fault: `"${commonNameOf(at)}" was not issued by anybody this device trusts` };
    current = next;
  }
  return { fault: `its chain is longer than ${MAX_CHAIN} certificates` };
};

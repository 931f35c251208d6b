/**
 * Whether a state may run on this device, as far as its signatures say.
 *
 * In: a document that was read, and what the device trusts. Out: what is wrong, one sentence each, beginning with the
 * words of Pantavisor's control socket; and what is worth knowing besides.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { StateDocument } from '../../resources/state-format/state.ts';
import { type Chains, commonNameOf, leafOf, openChains } from './certificate-chain.ts';
import { type Algorithm, type FaultySignature, type PvsSignature, signaturesIn } from './pvs-signature.ts';
import type { TrustSettings } from './trust-settings.ts';

export interface Verdict {
  /** Why it must not run; undefined: it may. */
  readonly untrusted: 'signature' | 'coverage' | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly signatures: readonly { readonly key: string; readonly signer: string; readonly keys: number }[];
}

export const INVALID_SIGNATURE = 'Signature validation failed';
export const UNCOVERED = 'State not fully covered by signatures';

const DIGESTS: Readonly<Record<Algorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};
const MAX_NAMED = 5;

export const verifyState = (document: StateDocument, trust: TrustSettings): Verdict => {
  const { right, wrong, isWhole } = checkAll(document, trust);
  const problems = wrong.map(({ key, fault }) => `${INVALID_SIGNATURE}: ${key}: ${fault}`);
  const signatures = right.map(({ key, signer, included }) => ({ key, signer, keys: included.length }));
  const untrusted = problems.length > 0 ? 'signature' : undefined;
  const missing = trust.mode === 'lenient' || !isWhole ? [] : uncoveredIn(document, right);
  if (missing.length === 0) return { untrusted, problems, warnings: [], signatures };
  const named = missing.slice(0, MAX_NAMED).join(', ');
  const text = `${UNCOVERED}: ${named}${missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : ''}`;
  return trust.mode === 'strict'
    ? { untrusted: untrusted ?? 'coverage', problems: [...problems, text], warnings: [], signatures }
    : { untrusted, problems, warnings: [text], signatures };
};

/**
 * A state with one wrong signature does not run. Others are looked at so that several can be named at once, but not all of
 * thousands: work on what nobody trusted has signed must have an end.
 */
const checkAll = (document: StateDocument, trust: TrustSettings) => {
  const chains: Authorities = {
    vendor: openChains(trust.anchors, trust.nowMs),
    oem: openChains(trust.oemAnchors, trust.nowMs),
  };
  const right: Right[] = [];
  const wrong: FaultySignature[] = [];
  for (const signature of signaturesIn(document)) {
    const checked = check(signature, trust, chains);
    if (!('fault' in checked)) right.push(checked);
    else if (wrong.push(checked) === MAX_NAMED) return { right, wrong, isWhole: false };
  }
  return { right, wrong, isWhole: true };
};

interface Authorities {
  readonly vendor: Chains;
  readonly oem: Chains;
}

interface Right {
  readonly key: string;
  readonly signer: string;
  readonly included: readonly string[];
  readonly covered: ReadonlySet<string>;
}

const check = (
  signature: PvsSignature | FaultySignature,
  trust: TrustSettings,
  authorities: Authorities,
): Right | FaultySignature => {
  const { key } = signature;
  if ('fault' in signature) return signature;
  const signer = signerOf(signature, trust, authorities);
  if ('fault' in signer) return { key, fault: signer.fault };
  if (!isRight(signature, signer.key)) return { key, fault: `it is not a signature of this state by ${signer.name}` };
  return { key, signer: signer.name, included: signature.included, covered: signature.covered };
};

type Signer = { readonly key: KeyObject; readonly name: string } | { readonly fault: string };

const signerOf = (
  { certificates, included }: PvsSignature,
  trust: TrustSettings,
  { vendor, oem }: Authorities,
): Signer => {
  if (certificates === undefined) {
    if (trust.publicKey === undefined) return { fault: 'it has no certificate, and this device has no pub.pem' };
    return { key: createPublicKey(trust.publicKey), name: 'pub.pem' };
  }
  const leaf = leafOf(certificates);
  if (leaf === undefined) return { fault: 'its certificate cannot be read' };
  const isOem = isOfOem(commonNameOf(leaf), included, trust.oemName);
  const chain = (isOem ? oem : vendor)(certificates);
  return 'fault' in chain ? chain : { key: chain.key, name: `"${chain.commonName}"` };
};

/** The OEM's own authorities vouch for its leaf, as long as that signs neither the BSP nor the OEM's configuration. */
const isOfOem = (commonName: string, included: readonly string[], oemName: string | undefined): boolean =>
  oemName !== undefined &&
  oemName !== '' &&
  commonName === oemName &&
  !included.some((key) => key.startsWith('bsp/') || key.startsWith(`${oemName}/`));

/** ECDSA signatures are written in either of two ways: as DER, or r and s one after the other. */
const isRight = ({ algorithm, signature, signingInput }: PvsSignature, key: KeyObject): boolean => {
  const digest = DIGESTS[algorithm];
  const data = Buffer.from(signingInput());
  const isFor = key.asymmetricKeyType === (algorithm === 'RS256' ? 'rsa' : 'ec');
  if (!isFor) return false;
  if (algorithm === 'RS256') return verify(digest, data, key, signature);
  return (['ieee-p1363', 'der'] as const).some((dsaEncoding) => verify(digest, data, { key, dsaEncoding }, signature));
};

/** Signatures need not be signed themselves; everything else must be, `#spec` and files that are not installed too. */
const uncoveredIn = (document: StateDocument, right: readonly Right[]): readonly string[] => {
  const covered = new Set(right.flatMap((signature) => [...signature.covered]));
  return [...document.entries.keys()].filter((key) => !key.startsWith('_sigs/') && !covered.has(key));
};

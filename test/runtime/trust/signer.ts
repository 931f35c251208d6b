/** An authority, certificates and signatures for tests: by openssl and node:crypto, without the code that is tested. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly key: KeyObject;
  readonly pem: string;
  /** As it stands in `x5c`. */
  readonly der: string;
}

export interface Pki {
  readonly root: Identity;
  /** Issued by the root, may issue itself. */
  readonly intermediate: Identity;
  /** Issued by the intermediate. */
  leaf(name: string, algorithm?: Algorithm, issuer?: 'root' | 'intermediate'): Identity;
  remove(): void;
}

export type Algorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

const KEYS: Readonly<Record<Algorithm, readonly string[]>> = {
  RS256: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  ES256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ES384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ES512: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
};

export const makePki = (): Pki => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-pki-'));
  const openssl = (...args: readonly string[]): unknown =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const identity = (name: string): Identity => {
    const pem = readFileSync(`${directory}/${name}.pem`, 'utf8');
    const key = createPrivateKey(readFileSync(`${directory}/${name}.key`));
    return { key, pem, der: new X509Certificate(pem).raw.toString('base64') };
  };
  const make = (name: string, cn: string, algorithm: Algorithm, issuer: string | undefined, ca: boolean): Identity => {
    openssl('genpkey', ...KEYS[algorithm], '-out', `${name}.key`);
    const constraints = `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`;
    if (issuer === undefined) {
      openssl(
        'req',
        '-x509',
        '-new',
        '-key',
        `${name}.key`,
        '-subj',
        `/CN=${cn}`,
        '-days',
        '30',
        '-out',
        `${name}.pem`,
      );
      return identity(name);
    }
    writeFileSync(`${directory}/${name}.ext`, constraints);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${cn}`, '-out', `${name}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'],
      ...['-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
    );
    return identity(name);
  };
  let count = 0;
  return {
    root: make('root', 'root', 'ES256', undefined, true),
    intermediate: make('intermediate', 'intermediate', 'ES256', 'root', true),
    leaf: (cn, algorithm = 'ES256', issuer = 'intermediate') => make(`leaf${++count}`, cn, algorithm, issuer, false),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
};

const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const DIGEST = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' } as const;

export interface SignOptions {
  readonly algorithm?: Algorithm;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** Leaf first; none: for pub.pem. */
  readonly chain?: readonly Identity[];
  readonly key: KeyObject;
  /** Default: as JOSE says, r and s one after the other. */
  readonly der?: boolean;
  /** Members of the protected header that replace the right ones. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** The value of `_sigs/<name>.json` for exactly these keys of the state, in this order: that of the document. */
export const signed = (
  state: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  { algorithm = 'ES256', include, exclude = [], chain, key, der = false, header = {} }: SignOptions,
): Readonly<Record<string, string>> => {
  const x5c = chain === undefined ? {} : { x5c: chain.map((each) => each.der) };
  const head = base64url(JSON.stringify({ alg: algorithm, typ: 'PVS', pvs: { include, exclude }, ...x5c, ...header }));
  const payload = `{${keys.map((each) => `${JSON.stringify(each)}:${JSON.stringify(state[each])}`).join(',')}}`;
  const data = Buffer.from(`${head}.${base64url(payload)}`);
  const how = algorithm === 'RS256' ? key : ({ key, dsaEncoding: der ? 'der' : 'ieee-p1363' } as const);
  const signature = sign(DIGEST[algorithm], data, how);
  return { '#spec': 'pvs@2', protected: head, signature: base64url(signature) };
};

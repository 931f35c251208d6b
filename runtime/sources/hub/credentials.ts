/**
 * The device's credentials on disk, in Pantavisor's places and format: `unclaimed.config` until the device has an owner,
 * `pantahub.config` afterwards; and the hints for people in the run directory.
 *
 * The claimed file is written before the unclaimed one is removed: a power cut in between leaves a claimed device.
 */
import type { Files } from '../../host/host.ts';
import type { Credentials } from './hub-state.ts';

export interface CredentialPlaces {
  /** `<storage>/config`. */
  readonly directory: string;
  readonly run: string;
}

export interface StoredCredentials {
  readonly credentials: Credentials | undefined;
  readonly claimed: boolean;
}

export interface ServerAddress {
  readonly type: string;
  readonly host: string;
  readonly port: number;
  readonly proxyHost: string | undefined;
  readonly proxyPort: number;
  readonly noProxyConnect: number;
}

const CLAIMED = 'pantahub.config';
const UNCLAIMED = 'unclaimed.config';
const MAX_BYTES = 64 * 1024;

/** `creds.id=…` and `PH_CREDS_ID=…` are the same. */
export const valueIn = (text: string, name: string): string | undefined => {
  const long = `ph_creds_${name}`;
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(0, at)).toLowerCase();
    if (key === `creds.${name}` || key === long) return line.slice(at + 1).trimEnd();
  }
  return undefined;
};

const credentialsIn = (text: string): Credentials | undefined => {
  const [id, prn, secret] = ['id', 'prn', 'secret'].map((name) => valueIn(text, name));
  return id && prn && secret ? { id, prn, secret } : undefined;
};

export const credentialText = (server: ServerAddress, credentials: Credentials | undefined): string => {
  const { id = '', prn = '', secret = '' } = credentials ?? {};
  const lines: [string, string | number][] = [
    ['type', server.type],
    ['host', server.host],
    ['port', server.port],
    ['proxy.host', server.proxyHost ?? ''],
    ['proxy.port', server.proxyPort],
    ['proxy.noproxyconnect', server.noProxyConnect],
    ['id', id],
    ['prn', prn],
    ['secret', secret],
  ];
  return lines.map(([key, value]) => `creds.${key}=${value}\n`).join('');
};

/** @throws DeviceError */
export const loadCredentials = async (
  files: Pick<Files, 'read'>,
  { directory }: CredentialPlaces,
): Promise<StoredCredentials> => {
  const read = async (name: string): Promise<Credentials | undefined> => {
    const bytes = await files.read(`${directory}/${name}`, MAX_BYTES);
    return bytes === undefined ? undefined : credentialsIn(bytes.toString());
  };
  const claimed = await read(CLAIMED);
  return claimed === undefined
    ? { credentials: await read(UNCLAIMED), claimed: false }
    : { credentials: claimed, claimed: true };
};

/** @throws DeviceError */
export const saveCredentials = async (
  files: Pick<Files, 'makeDirectory' | 'remove' | 'write'>,
  { directory, run }: CredentialPlaces,
  server: ServerAddress,
  { credentials, claimed }: StoredCredentials,
): Promise<void> => {
  await files.makeDirectory(directory, 0o700);
  const text = credentialText(server, credentials);
  await files.write(`${directory}/${claimed ? CLAIMED : UNCLAIMED}`, text, 0o600);
  if (claimed) await files.remove(`${directory}/${UNCLAIMED}`);
  if (!claimed) await files.write(`${directory}/${CLAIMED}`, credentialText(server, undefined), 0o600);
  await files.write(`${run}/device-id`, `${credentials?.id ?? ''}\n`, 0o444);
};

/** Where credentials are found by other programs, and what a person needs to claim the device. @throws DeviceError */
export const showHints = async (
  files: Pick<Files, 'makeDirectory' | 'symlink' | 'write'>,
  { directory, run }: CredentialPlaces,
  { host, port }: ServerAddress,
  { credentials }: StoredCredentials,
): Promise<void> => {
  await files.makeDirectory(directory, 0o700);
  await files.symlink(directory, `${run}/phconfig`);
  await files.write(`${run}/pantahub-host`, `https://${host}:${port}\n`, 0o444);
  await files.write(`${run}/device-id`, credentials === undefined ? '' : `${credentials.id}\n`, 0o444);
  await files.write(`${run}/challenge`, '', 0o444);
};

/** @throws DeviceError */
export const showChallenge = (
  files: Pick<Files, 'write'>,
  { run }: CredentialPlaces,
  challenge: string,
): Promise<void> => files.write(`${run}/challenge`, challenge === '' ? '' : `${challenge}\n`, 0o444);

/**
 * What the configuration says about trust, with the files that it names, below `<etc>/pantavisor/pvs/trust/`.
 * A mode that could not be enforced is an error: the daemon does not start with a shield that does nothing.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { ConfigError } from '../config/config-error.ts';
import type { ConfigValues } from '../config/keys.ts';
import type { Files } from '../host/host.ts';
import { certificatesIn } from './certificate-chain.ts';
import type { TrustSettings } from './trust-settings.ts';

const MAX_FILE_BYTES = 1024 * 1024;

type Values = Pick<
  ConfigValues,
  | 'PV_SECUREBOOT_MODE'
  | 'PV_SECUREBOOT_TRUSTSTORE'
  | 'PV_SECUREBOOT_OEM_TRUSTSTORE'
  | 'PV_SYSTEM_ETCPANTAVISORDIR'
  | 'PV_OEM_NAME'
>;

/** undefined: the mode is `disabled`. @throws ConfigError naming the key, its value and the file */
export const loadTrust = async (
  values: Values,
  files: Pick<Files, 'read' | 'stat'>,
): Promise<TrustSettings | undefined> => {
  const { PV_SECUREBOOT_MODE: mode } = values;
  if (mode === 'disabled') return undefined;
  const directory = `${values.PV_SYSTEM_ETCPANTAVISORDIR}/pvs/trust`;
  const anchors = await certificatesOf('PV_SECUREBOOT_TRUSTSTORE', values.PV_SECUREBOOT_TRUSTSTORE, directory, files);
  const oemAnchors = await certificatesOf(
    'PV_SECUREBOOT_OEM_TRUSTSTORE',
    values.PV_SECUREBOOT_OEM_TRUSTSTORE,
    directory,
    files,
  );
  const publicKey = await publicKeyOf(`${directory}/pub.pem`, files);
  if (mode === 'strict' && anchors.length === 0 && publicKey === undefined)
    throw new ConfigError(
      `PV_SECUREBOOT_MODE is strict, but this device trusts nobody: expected certificates in ` +
        `${directory}/${values.PV_SECUREBOOT_TRUSTSTORE}.crt or a public key in ${directory}/pub.pem`,
    );
  return { mode, anchors, oemAnchors, oemName: values.PV_OEM_NAME, publicKey };
};

/** None where the file is missing. @throws ConfigError */
const certificatesOf = async (
  key: string,
  name: string,
  directory: string,
  files: Pick<Files, 'read' | 'stat'>,
): Promise<readonly string[]> => {
  const path = name.startsWith('/') ? name : `${directory}/${name}.crt`;
  const text = await textOf(path, files);
  if (text === undefined) return [];
  const certificates = certificatesIn(text);
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch {
      throw new ConfigError(`${key} is "${name}": ${path} holds a certificate that cannot be read, expected PEM`);
    }
  }
  if (certificates.length === 0)
    throw new ConfigError(`${key} is "${name}": ${path} holds no certificate, expected PEM`);
  return certificates;
};

const publicKeyOf = async (path: string, files: Pick<Files, 'read' | 'stat'>): Promise<string | undefined> => {
  const text = await textOf(path, files);
  if (text === undefined) return undefined;
  try {
    createPublicKey(text);
  } catch {
    throw new ConfigError(`${path} is no public key, expected PEM`);
  }
  return text;
};

const textOf = async (path: string, files: Pick<Files, 'read' | 'stat'>): Promise<string | undefined> =>
  (await files.read(path, MAX_FILE_BYTES))?.toString('utf8');

/** Self-signed certificates, made by openssl. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';

export interface Made {
  readonly cert: string;
  readonly key: string;
  /** PEM. */
  readonly pem: string;
}

/** `<directory>/<name>.pem` and `.key`, mode 0600, for 30 days. */
export const makeCertificate = (directory: string, name: string, names = `DNS:${name}.example,IP:127.0.0.1`): Made => {
  const [cert, key] = [`${directory}/${name}.pem`, `${directory}/${name}.key`];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key],
      ...['-out', cert, '-days', '30', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`],
    ],
    { stdio: 'ignore' },
  );
  chmodSync(key, 0o600);
  return { cert, key, pem: readFileSync(cert, 'utf8') };
};

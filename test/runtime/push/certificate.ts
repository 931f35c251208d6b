/** Self-signed certificates, made by openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Made {
  readonly cert: string;
  readonly key: string;
  /** PEM. */
  readonly pem: string;
}

/** `<directory>/<name>.pem` and `.key`, mode 0600. @param more further arguments of `openssl req`. */
export const makeCertificate = (directory: string, name: string, more: readonly string[] = ['-days', '30']): Made => {
  const [cert, key] = [`${directory}/${name}.pem`, `${directory}/${name}.key`];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key],
      ...['-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}.example,IP:127.0.0.1`, ...more],
    ],
    { stdio: 'ignore' },
  );
  execFileSync('chmod', ['600', key]);
  return { cert, key, pem: readFileSync(cert, 'utf8') };
};

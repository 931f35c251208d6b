/** The test hub behind real TLS, with a certificate authority of its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HubReply, openTestHub, type TestHub } from './hub.ts';

export interface ServedHub {
  readonly hub: TestHub;
  readonly host: string;
  readonly port: number;
  /** Directory with the authority's certificate, for `PV_LIBTHTTP_CERTSDIR`. */
  readonly authorities: string;
  /** PEM of the authority. */
  readonly authority: string;
  close(): Promise<void>;
}

const openssl = (directory: string, ...words: readonly string[]): void =>
  void execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' });

/** @param names of the certificate */
const makeCertificates = (directory: string, names: string): void => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    directory,
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '365',
    '-subj',
    '/CN=test',
  );
  openssl(directory, 'req', ...key, '-keyout', 'hub.key', '-out', 'hub.csr', '-subj', '/CN=hub');
  writeFileSync(join(directory, 'names'), `subjectAltName=${names}\n`);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '365', '-extfile', 'names'];
  openssl(directory, 'x509', '-req', '-in', 'hub.csr', ...signing, '-out', 'hub.crt');
};

export const serveHub = async (hub = openTestHub(), names = 'DNS:localhost,IP:127.0.0.1'): Promise<ServedHub> => {
  const directory = mkdtempSync(join(tmpdir(), 'test-hub-'));
  makeCertificates(directory, names);
  const authorities = join(directory, 'certs');
  mkdirSync(authorities);
  const authority = readFileSync(join(directory, 'ca.crt'), 'utf8');
  writeFileSync(join(authorities, 'ca.crt'), authority);
  const tls = { key: readFileSync(join(directory, 'hub.key')), cert: readFileSync(join(directory, 'hub.crt')) };
  const server = createServer(tls, async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url: path = '', headers } = incoming;
    const reply: HubReply = hub.handle({ method, path, headers, body: Buffer.concat(chunks) });
    const body = Buffer.from(reply.body ?? '');
    outgoing.writeHead(reply.status, { ...reply.headers, 'Content-Length': body.length });
    if (reply.cutAfter === undefined) outgoing.end(body);
    else outgoing.write(body.subarray(0, reply.cutAfter), () => setImmediate(() => outgoing.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has no other address
  hub.origin = `https://127.0.0.1:${port}`;
  return {
    ...{ hub, host: '127.0.0.1', port, authorities, authority },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

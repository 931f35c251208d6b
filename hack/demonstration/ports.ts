/** TCP ports of an example: the ones it is written with, or free ones instead, put into the copy that is run. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const HOST = '127.0.0.1';

function listenOnce(port: number): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const server = createServer();
  server.once('error', () => resolve(undefined));
  server.listen(port, HOST, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
  });
  return promise;
}

/** `preferred` when nobody listens there, else a free one. */
export async function freePort(preferred: number): Promise<number> {
  const port = (await listenOnce(preferred)) ?? (await listenOnce(0));
  if (port === undefined) throw new Error(`no free TCP port on ${HOST}`);
  return port;
}

/** The configuration files of a staged device; images are no text. */
const isText = (path: string): boolean => /\.(conf|json)$/.test(path) && statSync(path).isFile();

/** Replaces the port numbers in the staged device's configuration. */
export function rewritePorts(device: string, ports: ReadonlyMap<number, number>): void {
  for (const name of readdirSync(device, { recursive: true, encoding: 'utf8' })) {
    const path = join(device, name);
    if (!isText(path)) continue;
    const text = readFileSync(path, 'utf8');
    // One pass, so that a replacement is not replaced again.
    const replaced = text.replace(/\b\d+\b/g, (digits) => String(ports.get(Number(digits)) ?? digits));
    if (replaced !== text) writeFileSync(path, replaced);
  }
}

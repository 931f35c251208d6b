/** A control socket that answers what it is told to, byte for byte, and remembers what it was asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScriptedSocket {
  readonly path: string;
  /** `METHOD path body`, each request once it is whole. */
  readonly asked: string[];
  /** Raw answers, in turn; the last one again and again. An empty one closes the connection. */
  answers: readonly string[];
  close(): Promise<void>;
}

export const answer = (status: number, body = '', headers: readonly string[] = []): string =>
  [
    `HTTP/1.1 ${status} Some Reason`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...headers,
    '',
    body,
  ].join('\r\n');

/** Whole requests only: enough for a client that sends a length. */
const requestIn = (bytes: Buffer): string | undefined => {
  const [head = '', ...rest] = bytes.toString('latin1').split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  if (rest.length === 0 || body.length < length) return undefined;
  return `${head.split(' HTTP/')[0]} ${body}`.trim();
};

export const scriptedSocket = async (): Promise<ScriptedSocket> => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-scripted-'));
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let bytes = Buffer.alloc(0);
    socket.on('error', () => socket.destroy()); // a client that has seen enough
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const request = requestIn(bytes);
      if (request === undefined) return;
      bytes = Buffer.alloc(0);
      scripted.asked.push(request);
      const [next = '', ...others] = scripted.answers;
      if (others.length > 0) scripted.answers = others;
      socket.end(next);
    });
  });
  const scripted: ScriptedSocket = {
    path: join(directory, 'pv-ctrl'),
    asked: [],
    answers: [],
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await new Promise<void>((resolve) => server.listen(scripted.path, resolve));
  return scripted;
};

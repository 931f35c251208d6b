/**
 * `node client.ts SOCKET get PATH TIMES`       the same request again and again, each on a new connection
 * `node client.ts SOCKET upload FILE SHA256`   one object, from memory
 * `node client.ts SOCKET download SHA256`      one object, thrown away as it comes
 * `node client.ts SOCKET small SEED TIMES`     that many objects of 100 bytes, each on a new connection
 *
 * One blocking client of the control socket. Prints what it measured as JSON (see http.ts).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { close, connectTo, readSome, writeAll } from './blocking-socket.ts';

const [socketPath = '', what = '', ...parameters] = process.argv.slice(2);
const PIECE_BYTES = 1 << 20;
const SMALL_BYTES = 100;
const WARM_UP = 200;
const answer = Buffer.alloc(PIECE_BYTES);

const head = (method: string, path: string, more = ''): Buffer =>
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`);

/** @returns how many bytes came back. @throws Error when it is no 200. */
function ask(request: Buffer, content?: Buffer): number {
  const socket = connectTo(socketPath);
  writeAll(socket, request);
  if (content !== undefined) writeAll(socket, content);
  let total = 0;
  for (let bytes = readSome(socket, answer); bytes > 0; bytes = readSome(socket, answer)) {
    if (total === 0 && !answer.toString('latin1', 0, 12).startsWith('HTTP/1.1 200'))
      throw new Error(answer.toString('latin1', 0, Math.min(bytes, 300)));
    total += bytes;
  }
  close(socket);
  if (total === 0) throw new Error('no answer');
  return total;
}

const timed = (work: () => unknown): number => {
  const beganAtMs = performance.now();
  work();
  return performance.now() - beganAtMs;
};

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const put = (id: string, content: Buffer): [Buffer, Buffer] => [
  head('PUT', `/objects/${id}`, `Content-Length: ${content.length}\r\n`),
  content,
];

function get(path = '', times = ''): object {
  const request = head('GET', path);
  for (let index = 0; index < WARM_UP; index += 1) ask(request);
  const latencies = new Float64Array(Number(times));
  const lastedMs = timed(() => {
    for (let index = 0; index < latencies.length; index += 1) latencies[index] = timed(() => ask(request));
  });
  return { lastedMs, latencies: [...latencies] };
}

function upload(file = '', id = ''): object {
  const content = readFileSync(file);
  return { lastedMs: timed(() => ask(...put(id, content))) };
}

const download = (id = ''): object => {
  let bytes = 0;
  const lastedMs = timed(() => {
    bytes = ask(head('GET', `/objects/${id}`));
  });
  return { lastedMs, bytes };
};

/** Hashed before the clock runs: what is measured is the device. */
function small(seed = '', times = ''): object {
  const requests = Array.from({ length: Number(times) }, (_, index) => {
    const content = Buffer.alloc(SMALL_BYTES, `${seed} ${index}\n`);
    return put(sha256(content), content);
  });
  const beganAtMs = Date.now();
  const lastedMs = timed(() => {
    for (const request of requests) ask(...request);
  });
  return { lastedMs, beganAtMs, endedAtMs: Date.now() };
}

const ACTIONS: Readonly<Record<string, (...parameters: string[]) => object>> = { get, upload, download, small };
const action = ACTIONS[what];
if (action === undefined) throw new Error(`unknown: ${what}`);
console.log(JSON.stringify(action(...parameters)));

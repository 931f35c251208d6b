/** Request bodies: read whole up to a limit, or piece by piece whatever their size. */
import type { IncomingMessage } from 'node:http';
import { arm, disarm, REQUEST_MS } from './request-deadline.ts';

const expecting = new WeakMap<IncomingMessage, () => void>();

/** A client that announces its body sends it when it is told to go on: that is when somebody begins to read it. */
export const continueWhenRead = (incoming: IncomingMessage, proceed: () => void): void =>
  void expecting.set(incoming, proceed);

const proceed = (incoming: IncomingMessage): void => {
  expecting.get(incoming)?.();
  expecting.delete(incoming);
};

/** The body as text; undefined: longer than `maxBytes`, and the rest is not kept. */
export const readBody = async (incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> => {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  proceed(incoming);
  // Leaving the loop must not destroy the connection: the refusal goes out on it.
  for await (const part of incoming.iterator({ destroyOnReturn: false })) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** The members of a JSON object; undefined for anything else. */
export const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>; // an object, checked above
  } catch {
    return undefined; // not JSON is an answer here, and the caller words it
  }
};

/** A client that sends less than this in the time of a request is too slow, or holds the connection on purpose. */
const LEAST_BYTES = 64 * 1024;

/**
 * The body as it comes, for content of any size: whoever takes the pieces sets the pace, and only waiting for the
 * client counts against its time. Leaving early leaves the connection usable.
 */
export async function* bodyPieces(incoming: IncomingMessage): AsyncGenerator<Buffer> {
  const { socket } = incoming;
  proceed(incoming);
  const pieces: AsyncIterator<Buffer> = incoming.iterator({ destroyOnReturn: false });
  socket.setTimeout(0);
  let leftMs = REQUEST_MS;
  let bytes = 0;
  try {
    for (;;) {
      arm(socket, leftMs);
      const askedMs = performance.now();
      const next = await pieces.next();
      leftMs -= performance.now() - askedMs;
      disarm(socket);
      if (next.done === true) return;
      bytes += next.value.length;
      if (bytes >= LEAST_BYTES) [bytes, leftMs] = [0, REQUEST_MS];
      yield next.value;
    }
  } finally {
    disarm(socket);
    await pieces.return?.();
  }
}

/** Bodies that are kept until they are whole, of all requests together. */
const kept = { bytes: 0 };
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** More is being sent at once than this device has memory for. */
export class Crowded extends Error {
  constructor() {
    super('Too much is being sent at once. Try again');
    this.name = 'Crowded';
  }
}

/** As `readBody`, for large bodies that are kept as they came. @throws Crowded */
export const readBytes = async (incoming: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> => {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of bodyPieces(incoming)) {
      sizeBytes += piece.length;
      kept.bytes += piece.length;
      if (sizeBytes > maxBytes) return undefined;
      if (kept.bytes > MAX_KEPT_BYTES) throw new Crowded();
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } finally {
    kept.bytes -= sizeBytes;
  }
};

/** Takes what is left of a body: a client that still sends would not see the answer. One that waits to be told does not send. */
export const drain = async (incoming: IncomingMessage): Promise<void> => {
  if (expecting.has(incoming)) return;
  for await (const _ of bodyPieces(incoming));
};

const MAX_FORGOTTEN_BYTES = 4 * 1024 * 1024;

/**
 * Reads what is left of a body when its answer is on its way, and keeps nothing: else neither the next request nor the
 * client's end would be seen. Whoever goes on sending is cut off; the answer has arrived by then.
 */
export const forget = (incoming: IncomingMessage): void => {
  let bytes = 0;
  incoming.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MAX_FORGOTTEN_BYTES) incoming.socket.destroy();
  });
};

/** What the client says the body's size is; undefined: nothing, or nonsense. */
export const contentLength = ({ headers }: IncomingMessage): number | undefined => {
  const { 'content-length': text } = headers;
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

/** Answers that are given before a request has arrived whole: who is refused need not send gigabytes first. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { drain, forget } from '../http/body.ts';
import { type Reply, send } from '../http/reply.ts';

/** What is under way when the answer is sent must be read, or the connection's reset may overtake the answer. */
const LINGER_MS = 2_000;

/**
 * Sends a reply. Of a refused request what is left is read for a moment, and then the connection is cut; of others it is
 * read to its end, because clients who were told that all is well go on sending.
 */
export const sendInTime = async (incoming: IncomingMessage, outgoing: ServerResponse, reply: Reply): Promise<void> => {
  const isRefusal = reply.status >= 400 && 'body' in reply;
  if (!isRefusal) await drain(incoming);
  if (isRefusal && !incoming.complete) refuseEarly(incoming, outgoing, reply);
  else send(outgoing, reply);
};

const refuseEarly = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  reply: Extract<Reply, { readonly body: string }>,
): void => {
  const { socket } = incoming;
  const length = Buffer.byteLength(reply.body);
  outgoing.writeHead(reply.status, { ...reply.headers, 'Content-Length': length, Connection: 'close' });
  outgoing.write(reply.body);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  forget(incoming);
  incoming.once('end', () => outgoing.end());
  incoming.once('error', () => socket.destroy()); // it left, which is as well
  socket.once('close', () => clearTimeout(timer));
};

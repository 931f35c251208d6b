/** Until when the next request of a connection must be there, so that nobody holds connections by dripping bytes. */
import type { Socket } from 'node:net';

/** From the connection, or the previous answer, until the request is there. Longer than an idle keep-alive may be. */
export const REQUEST_MS = 60_000;

const deadlines = new WeakMap<Socket, NodeJS.Timeout>();

export const disarm = (socket: Socket): void => clearTimeout(deadlines.get(socket));

/** Ends the connection after so long, unless it is disarmed; an earlier deadline is forgotten. */
export const arm = (socket: Socket, afterMs = REQUEST_MS): void => {
  disarm(socket);
  if (!socket.destroyed) deadlines.set(socket, setTimeout(() => socket.destroy(), afterMs).unref());
};

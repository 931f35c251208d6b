/** Who is at the other end of each connection, and how many of them one container may hold. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ApiDeps } from './deps.ts';

type Identify = ApiDeps['identify'];

/** A container that opens every connection there is must not lock the operator out. */
const MAX_PER_CONTAINER = 16;

/** Asks once per connection, at its beginning: later the process may be gone, and its pid somebody else's. */
export const identifyOnce = (identify: Identify): Identify => {
  const known = new WeakMap<Socket, { readonly caller: ReturnType<Identify> }>();
  return (socket) => {
    const told = known.get(socket);
    if (told !== undefined) return told.caller;
    const caller = identify(socket);
    known.set(socket, { caller });
    return caller;
  };
};

/** Closes what one of them opens beyond its share. */
export const limitEach = (most: number): ((name: string, socket: Socket) => void) => {
  const held = new Map<string, number>();
  return (name, socket) => {
    const others = held.get(name) ?? 0;
    if (others >= most) {
      socket.destroy();
      return;
    }
    held.set(name, others + 1);
    socket.once('close', () => {
      const left = (held.get(name) ?? 1) - 1;
      if (left > 0) held.set(name, left);
      else held.delete(name);
    });
  };
};

/** Closes connections of a container beyond its share. Those that cannot be told apart share one. */
export const limitPerContainer = (server: Server, identify: Identify, report: ApiDeps['report']): void => {
  const take = limitEach(MAX_PER_CONTAINER);
  server.on('connection', (socket: Socket) => {
    try {
      const caller = identify(socket);
      if (caller !== 'host') take(caller?.container ?? '', socket);
    } catch (error) {
      // Whoever cannot be looked at is not served; the next one may be.
      report(error, 'identifying a caller');
      socket.destroy();
    }
  });
};

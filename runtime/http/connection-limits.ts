/** Who is at the other end of each connection, and how many of them one may hold. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Identify, Report } from './peer.ts';

/** A container, or a program gone wild, that opens every connection there is must not lock the operator out. */
const MAX_PER_CONTAINER = 16;
const MAX_OF_CONTAINERS = 128;
const MAX_PER_PROCESS = 64;

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

/** What is held by whom, and no more than so much. */
export class Shares {
  readonly #most: number;
  readonly #held = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** False: it has its share. */
  take(holder: string, socket: Socket): boolean {
    const others = this.#held.get(holder) ?? 0;
    if (others >= this.#most) return false;
    this.#held.set(holder, others + 1);
    socket.once('close', () => {
      const left = (this.#held.get(holder) ?? 1) - 1;
      if (left > 0) this.#held.set(holder, left);
      else this.#held.delete(holder);
    });
    return true;
  }
}

/**
 * Closes connections beyond the share of a container, of all containers together, and of one process of the host. Those
 * that cannot be told apart share one. What is left of the server's connections is for everybody else.
 */
export const shareConnections = (server: Server, identify: Identify, report: Report): void => {
  const [containers, all, processes] = [MAX_PER_CONTAINER, MAX_OF_CONTAINERS, MAX_PER_PROCESS].map(
    (most) => new Shares(most),
  ) as [Shares, Shares, Shares]; // as many as were given
  const isWithinShare = (socket: Socket): boolean => {
    const peer = identify(socket);
    if (peer?.caller === 'host') return processes.take(String(peer.pid), socket);
    return containers.take(peer?.caller.container ?? '', socket) && all.take('', socket);
  };
  const isServed = (socket: Socket): boolean => {
    try {
      return isWithinShare(socket);
    } catch (error) {
      // Whoever cannot be looked at is not served; the next one may be.
      report(error, 'identifying a caller');
      return false;
    }
  };
  // Before a parser and deadlines are made for it: ten thousand may come at once.
  const serving = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (isServed(socket)) for (const serve of serving) Reflect.apply(serve, server, [socket]);
    else socket.destroy();
  });
};

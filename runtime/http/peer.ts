/** The other end of a connection to one of our servers. */
import type { Socket } from 'node:net';

/** Who holds the other end of a connection: a process of the host, or of a container. */
export type Caller = 'host' | { readonly container: string };

export interface Peer {
  readonly caller: Caller;
  readonly pid: number;
}

/** undefined: it cannot be told. */
export type Identify = (socket: Socket) => Peer | undefined;

/** Where what goes wrong in a server is reported. */
export type Report = (error: unknown, doing: string) => void;

/** The listener itself: opened when what it needs is there, refused with the reason when not. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ListenAddress } from '../config/listen-address.ts';
import { Shares } from '../http/connection-limits.ts';
import { apiServer, closeServer } from '../http/server.ts';
import { addressOf, neighbourhoodOf } from './address.ts';
import { type AnsweringOptions, answering } from './request-handler.ts';
import type { Tls } from './tls.ts';

/** Of one address. What pvr and browsers open at once is far below. */
const MAX_PER_ADDRESS = 32;

export interface Listener {
  readonly url: string;
  /** Of new connections. */
  replaceTls(tls: Tls): void;
  close(): Promise<void>;
}

export interface ListenerOptions extends Omit<AnsweringOptions, 'scheme'> {
  readonly listen: ListenAddress;
  readonly tls: Tls | undefined;
}

const listenOn = (server: Server, { host, port }: ListenAddress): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });

const isSecure = (server: Server): server is Server & { setSecureContext(tls: Tls): void } =>
  'setSecureContext' in server;

/** @throws Error of the system: EADDRINUSE, EADDRNOTAVAIL. */
export const openListener = async (options: ListenerOptions): Promise<Listener> => {
  const { listen, tls, report } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  const server = apiServer(answering({ ...options, scheme }), () => true, {
    methods: ['PATCH'],
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }),
  });
  const shares = new Shares(MAX_PER_ADDRESS);
  server.on('connection', (socket: Socket) => {
    if (!shares.take(neighbourhoodOf(addressOf(socket.remoteAddress)), socket)) socket.destroy();
  });
  const port = await listenOn(server, listen);
  server.on('error', (error) => report(error, 'the listener of PV_PVR_LISTEN'));
  return {
    url: `${scheme}://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}/`,
    replaceTls: (next) => {
      if (isSecure(server)) server.setSecureContext(next);
    },
    close: () => closeServer(server),
  };
};

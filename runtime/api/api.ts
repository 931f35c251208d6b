/**
 * The API servers: the control socket `<run>/pv-ctrl` (HTTP over a unix socket), and on request a
 * read-only status page on TCP.
 *
 * In: snapshots, and the questions that only the composition root can answer (ApiDeps). Out: JSON for clients, and
 * two intents: a container signals READY, an operator starts or stops a container.
 * It must never touch the device, decide anything, or let a client's mistake reach the daemon.
 */
import type { Server } from 'node:http';
import { identifyOnce, shareConnections } from '../http/connection-limits.ts';
import { isControlHost, isStatusHost } from '../http/host-header.ts';
import { apiServer, closeServer } from '../http/server.ts';
import { listenOnSocket } from '../http/unix-listener.ts';
import type { Condition } from './conditions.ts';
import { controlEndpoints } from './control-endpoints.ts';
import { listenerFor } from './control-handler.ts';
import type { ApiDeps } from './ports.ts';
import { forEverybody, methodOnPage, pageEndpoints } from './status-listener.ts';
import { startStatus } from './status-source.ts';

export interface Api {
  /** Ends every connection and removes the socket file. */
  readonly stop: () => Promise<void>;
  /** Where the status page is; undefined: none was asked for, or its port is taken. */
  readonly statusUrl: string | undefined;
  /** Those of the status, now. */
  readonly conditions: () => readonly Condition[];
}

type ListenAddress = NonNullable<ApiDeps['statusListen']>;

const listenOnPort = (server: Server, { host, port }: ListenAddress): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${actual}/`);
    });
  });

/** A status page that cannot be had is no reason to leave the device without a daemon. */
const openStatusPage = async (server: Server, address: ListenAddress, deps: ApiDeps): Promise<string | undefined> => {
  try {
    return await listenOnPort(server, address);
  } catch (error) {
    deps.report(error, `PV_STATUS_LISTEN: listening on ${address.host}:${address.port}`);
    return undefined;
  }
};

/** @throws Error when the control socket's path is taken; the message says by what. */
export const startApi = async (given: ApiDeps): Promise<Api> => {
  const deps: ApiDeps = { ...given, identify: identifyOnce(given.identify) };
  const status = startStatus(deps);
  const control = apiServer(listenerFor(controlEndpoints(deps, status), deps), isControlHost);
  shareConnections(control, deps.identify, deps.report);
  const servers = [control];
  try {
    await listenOnSocket(control, deps.socketPath, deps.files);
  } catch (error) {
    status.stop();
    throw error;
  }
  control.on('error', (error) => deps.report(error, 'control socket'));

  let statusUrl: string | undefined;
  if (deps.statusListen !== undefined) {
    const listener = listenerFor(pageEndpoints(deps, status), forEverybody(deps), methodOnPage);
    const page = apiServer(listener, isStatusHost(deps.statusListen.host));
    statusUrl = await openStatusPage(page, deps.statusListen, deps);
    page.on('error', (error) => deps.report(error, 'status listener'));
    servers.push(page);
  }
  const stop = async (): Promise<void> => {
    status.stop();
    await Promise.all(servers.map(closeServer));
  };
  return { stop, statusUrl, conditions: status.conditions };
};

/** Which Host headers are ours. A foreign one means that a browser was led here by somebody's name server. */
import { isIP } from 'node:net';

const nameIn = (host: string): string => host.replace(/:\d*$/, '').toLowerCase();

/** The control socket: none, empty, or localhost. */
export const isControlHost = (host: string | undefined): boolean =>
  host === undefined || ['', 'localhost'].includes(nameIn(host));

/** The status listener: an address, localhost, or the name it was told to listen on. */
export const isStatusHost =
  (listenHost: string) =>
  (host: string | undefined): boolean => {
    if (isControlHost(host)) return true;
    const name = nameIn(host ?? '').replace(/^\[(.*)\]$/, '$1');
    return isIP(name) !== 0 || name === listenHost.toLowerCase();
  };

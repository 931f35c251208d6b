/**
 * Which processes may answer as the monitor of a container. LXC's command sockets have abstract addresses, and a process
 * of any container that keeps the host's network namespace can listen at them before the monitor does, or instead of it.
 *
 * A monitor runs as root, in our pid namespace, and in no cgroup of a container. The kernel says who listens
 * (SO_PEERCRED); a container cannot make that up.
 */
import { containerOfPid, type Peer } from '../peer/peer.ts';

export const monitorTrust =
  (lxcPath: string) =>
  ({ pid, uid }: Peer): boolean =>
    uid === 0 && containerOfPid(pid, lxcPath) === 'host';

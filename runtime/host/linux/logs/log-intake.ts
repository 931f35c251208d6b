/**
 * Where logs come in on this machine: both log sockets and the kernel's messages, over one wait (readiness.ts).
 * What of it cannot be had is told and done without: a device without logs is better than none.
 */

import type { Origin, Sender } from '../../../../resources/log-format/attribution.ts';
import type { LogLevel } from '../../../../resources/log-format/log-levels.ts';
import type { Paths } from '../../../../resources/paths.ts';
import { openReadiness } from '../kernel/readiness.ts';
import { unifiedMountPoint } from '../lxc/cgroups.ts';
import { openSenders } from '../peer/senders.ts';
import { DescriptorSocket } from './descriptor-socket.ts';
import { followKernelLog } from './kernel-log.ts';
import { MessageSocket } from './message-socket.ts';

export const MESSAGE_SOCKET = 'pv-ctrl-log';
export const DESCRIPTOR_SOCKET = 'pv-fd-log';

export interface LogIntakeOptions {
  readonly paths: Paths;
  /** A longer message is cut off. */
  readonly maxMessageBytes: number;
  readonly kernel: boolean;
  readonly onMessage: (sender: Sender, bytes: Buffer) => void;
  /** @returns false: read no more of this platform until `whenRoom`. */
  readonly onData: (origin: Origin, level: LogLevel, data: Buffer) => boolean;
  readonly whenRoom: (platform: string, callback: () => void) => void;
  readonly onKernel: (record: string) => void;
  readonly onRefused: (sender: Sender, reason: string) => void;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** @returns how to close it all. */
export const openLogIntake = (options: LogIntakeOptions): (() => void) => {
  const { paths, onProblem, onBug } = options;
  const readiness = openReadiness(onBug);
  const senders = openSenders(paths.lxc, unifiedMountPoint());
  const ends: (() => void)[] = [];
  const attempt = (subject: string, open: () => () => void): void => {
    try {
      ends.push(open());
    } catch (error) {
      onProblem(subject, `no logs are taken from there: ${error instanceof Error ? error.message : error}`);
    }
  };

  attempt(MESSAGE_SOCKET, () => {
    const path = `${paths.run}/${MESSAGE_SOCKET}`;
    const socket = new MessageSocket({ ...options, path, readiness, senders });
    return () => socket.close();
  });
  attempt(DESCRIPTOR_SOCKET, () => {
    const path = `${paths.run}/${DESCRIPTOR_SOCKET}`;
    const socket = new DescriptorSocket({ ...options, path, readiness, senders });
    return () => socket.close();
  });
  if (options.kernel) attempt('/dev/kmsg', () => followKernelLog(readiness, options.onKernel));
  return () => {
    for (const end of ends) end();
    readiness.close();
  };
};

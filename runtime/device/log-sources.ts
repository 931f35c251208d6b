/**
 * What the log server is told: by containers and helpers at its sockets, by the kernel, and by the daemon itself.
 *
 * In: the configuration and the daemon's own log. Out: records of known origin. What cannot be had is told and done
 * without; nothing here can keep the device from running.
 */

import { OWN } from '../../resources/log-format/attribution.ts';
import type { Paths } from '../../resources/paths.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { Clock } from '../host/host.ts';
import { openLogIntake } from '../host/linux/logs/log-intake.ts';
import type { LogServer } from '../logging/log-server.ts';
import { openReception } from '../logging/message-intake.ts';
import { ownLine } from '../logging/own-line.ts';
import type { LogTap } from '../platform/log-tap.ts';

export interface LogSourcesOptions {
  readonly server: LogServer;
  readonly clock: Clock;
  readonly paths: Paths;
  readonly live: LiveConfig;
  readonly tap: LogTap;
  /** Whether the daemon's own lines appear on stdout by way of the server. */
  readonly showsOwn: () => boolean;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

const KIB = 1024;
const MAX_MESSAGE_KIB = 2048;

const messageBytesOf = ({ values }: LiveConfig): number =>
  Math.min(Math.max(2 * values.PV_LOG_BUF_NITEMS, 1), MAX_MESSAGE_KIB) * KIB;

/** Not where what we print comes back as a message of the kernel. */
const wantsKernel = ({ values }: LiveConfig): boolean =>
  values.PV_LOG_CAPTURE_DMESG &&
  !values.PV_LOG_SERVER_OUTPUTS.some((token) => token === 'stdout' || token === 'stdout.pantavisor');

/** @returns how to end it; what is logged then is only printed. */
export const openLogSources = (options: LogSourcesOptions): (() => void) => {
  const { server, clock, paths, live, tap, showsOwn, onProblem, onBug } = options;
  const reception = openReception({
    server,
    clock,
    onRefused: (platform, count, reason) =>
      onProblem(platform, `${count} log messages could not be handled; the first was ${reason}`),
  });
  const closeIntake = openLogIntake({
    paths,
    maxMessageBytes: messageBytesOf(live),
    kernel: wantsKernel(live),
    onMessage: reception.message,
    onData: reception.data,
    onKernel: reception.kernel,
    onRefused: reception.refused,
    whenRoom: server.whenRoom,
    onProblem,
    onBug,
  });
  const detach = tap.attach({
    line: (json) => {
      const { text, ...said } = ownLine(json);
      server.take({ platform: OWN, isOwn: true, isText: true, ...server.now(), ...said, data: Buffer.from(text) });
    },
    shows: showsOwn,
  });
  return () => {
    closeIntake();
    reception.stop();
    detach();
  };
};

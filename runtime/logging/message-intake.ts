/**
 * What comes in at the log sockets: from bytes and a sender to a record in its queue, or to a word in the log about why
 * not, once per burst.
 */

import { type Origin, OWN, platformOfSender, type Sender } from '../../resources/log-format/attribution.ts';
import { kernelLine } from '../../resources/log-format/kernel.ts';
import type { LogLevel } from '../../resources/log-format/log-levels.ts';
import { isRefused } from '../../resources/log-format/message.ts';
import { parseMessage } from '../../resources/log-format/parse.ts';
import type { Clock } from '../host/host.ts';
import { recordOf } from './log-record.ts';
import type { LogServer } from './log-server.ts';

export interface Reception {
  /** One message. Its bytes may be used again afterwards. */
  message(sender: Sender, bytes: Buffer): void;
  /** What a descriptor brought; the buffer is ours from now on. False: read no more of this platform for now. */
  data(origin: Origin, level: LogLevel, data: Buffer): boolean;
  /** A record of /dev/kmsg. */
  kernel(record: string): void;
  /** Something that was no message. */
  refused(sender: Sender, reason: string): void;
  stop(): void;
}

export interface ReceptionOptions {
  readonly server: Pick<LogServer, 'take' | 'now'>;
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
  /** So many messages of a platform were dropped; the first one for this reason. */
  readonly onRefused: (platform: string, count: number, reason: string) => void;
}

const BURST_MS = 5_000;
const INFO: LogLevel = 3;
const KERNEL: Origin = { platform: OWN, source: 'dmesg', isOwn: true };

export const openReception = ({ server, clock, onRefused }: ReceptionOptions): Reception => {
  /** Not told yet. As many as there are containers. */
  const refusals = new Map<string, { count: number; readonly reason: string }>();
  let burst: (() => void) | undefined;

  const tell = (): void => {
    burst = undefined;
    for (const [platform, { count, reason }] of refusals) onRefused(platform, count, reason);
    refusals.clear();
  };
  const refused = (sender: Sender, reason: string): void => {
    const platform = platformOfSender(sender);
    const known = refusals.get(platform) ?? { count: 0, reason };
    known.count += 1;
    refusals.set(platform, known);
    burst ??= clock.schedule(clock.nowMs() + BURST_MS, tell);
  };
  const data = (origin: Origin, level: LogLevel, bytes: Buffer): boolean =>
    server.take({ ...origin, level, data: bytes, isText: false, ...server.now() });

  return {
    message: (sender, bytes) => {
      const now = server.now();
      const parsed = parseMessage(bytes, now.timeMs);
      if (isRefused(parsed)) refused(sender, parsed.refused);
      else server.take(recordOf(sender, parsed, now));
    },
    data,
    kernel: (record) => {
      const line = kernelLine(record);
      if (line !== undefined) data(KERNEL, INFO, Buffer.from(line));
    },
    refused,
    stop: () => {
      burst?.();
      tell();
    },
  };
};

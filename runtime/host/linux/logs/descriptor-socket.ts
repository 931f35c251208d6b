/**
 * `<run>/pv-fd-log`: connections that hand over a descriptor, and what is then read from those.
 *
 * In: descriptors of anybody's choice. Out: what they bring, for as long as they are open or until they are taken back.
 * Only those are read that cannot make us wait, and nobody's are read faster than its logs can be written.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { type Origin, originOf, type Sender } from '../../../../resources/log-format/attribution.ts';
import { HANDOVER_BYTES, parseHandover } from '../../../../resources/log-format/handover.ts';
import type { LogLevel } from '../../../../resources/log-format/log-levels.ts';
import { isRefused } from '../../../../resources/log-format/message.ts';
import { hasCode } from '../files/file-errors.ts';
import { fcntl, getsockopt } from '../kernel/libc.ts';
import type { Readiness } from '../kernel/readiness.ts';
import type { Senders } from '../peer/senders.ts';
import { openListener } from '../peer/socket-listener.ts';
import { closeAll, receiveFrom } from '../peer/unix-sockets.ts';

export interface DescriptorSocketOptions {
  readonly path: string;
  readonly readiness: Readiness;
  readonly senders: Senders;
  /** @returns false: read no more of this platform until `whenRoom`. */
  readonly onData: (origin: Origin, level: LogLevel, data: Buffer) => boolean;
  readonly whenRoom: (platform: string, callback: () => void) => void;
  readonly onRefused: (sender: Sender, reason: string) => void;
}

/** As the control socket: root and its group. */
const MODE = 0o660;
const SILENCE_MS = 5_000;
const MAX_WAITING = 64;
const MAX_PER_PLATFORM = 64;
const MAX_SUBSCRIPTIONS = 512;
const READ_BYTES = 64 << 10;
/** Of a pipe that nobody made larger than its default. */
const MAX_PIPE_BYTES = 64 << 10;
const [F_GETFL, F_SETFL, O_NONBLOCK] = [3, 4, 0x800];
const [SOL_SOCKET, SO_DOMAIN, AF_UNIX] = [1, 39, 1];

/** Terminals and their like, by major number: consoles, pseudo-terminals, serial ports (admin-guide/devices.txt). */
const isTerminal = (device: number): boolean => {
  const major = (device >> 8) & 0xfff;
  return [4, 5, 204, 229].includes(major) || (major >= 136 && major <= 143);
};

/**
 * Why it is not read. A file, or a device whose driver is a process of the sender's, may keep a reader waiting for as
 * long as it likes, and the last one to close a TCP socket may have to wait for its peer.
 */
const refusalOf = (fd: number): string | undefined => {
  const stat = fstatSync(fd);
  if (stat.isFIFO()) return undefined;
  if (stat.isCharacterDevice() && isTerminal(stat.rdev)) return undefined;
  if (stat.isSocket() && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, 4).readInt32LE() === AF_UNIX) return undefined;
  return 'a descriptor that is no pipe, unix socket or terminal';
};

interface Subscription {
  readonly fd: number;
  readonly origin: Origin;
  readonly level: LogLevel;
  /** Its platform has no room now. */
  isPaused: boolean;
}

const keyOf = ({ platform, source }: Origin): string => `${platform}\0${source}`;

export class DescriptorSocket {
  readonly #options: DescriptorSocketOptions;
  readonly #stopListening: () => void;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Connections that have said nothing yet, and their time-outs. */
  readonly #waiting = new Map<number, NodeJS.Timeout>();
  readonly #scratch = Buffer.allocUnsafeSlow(READ_BYTES);

  /** @throws DeviceError */
  constructor(options: DescriptorSocketOptions) {
    this.#options = options;
    this.#stopListening = openListener({ ...options, mode: MODE, takesDescriptors: true }, (fd) => this.#begin(fd));
  }

  close(): void {
    this.#stopListening();
    for (const fd of [...this.#waiting.keys()]) this.#hangUp(fd);
    for (const subscription of [...this.#subscriptions.values()]) this.#takeBack(subscription);
  }

  #begin(fd: number): void {
    const sender = this.#options.senders(fd);
    if (this.#receive(fd, sender)) {
      closeSync(fd);
      return;
    }
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MAX_WAITING && oldest !== undefined) this.#hangUp(oldest);
    this.#waiting.set(
      fd,
      setTimeout(() => this.#hangUp(fd), SILENCE_MS),
    );
    const isWaitedFor = this.#options.readiness.add(fd, () => {
      if (this.#receive(fd, sender)) this.#hangUp(fd);
    });
    if (!isWaitedFor) this.#hangUp(fd);
  }

  #hangUp(fd: number): void {
    clearTimeout(this.#waiting.get(fd));
    this.#waiting.delete(fd);
    this.#options.readiness.remove(fd);
    closeSync(fd);
  }

  /** False: nothing has come yet. */
  #receive(fd: number, sender: Sender): boolean {
    const received = receiveFrom(fd, HANDOVER_BYTES + 1);
    if (typeof received === 'string') return received !== 'EAGAIN';
    const { bytes, descriptors } = received;
    if (bytes.length === 0 && descriptors.length === 0) return true;
    const [given, ...more] = descriptors;
    closeAll(more);
    const isKept = this.#handle(bytes, given, sender);
    if (given !== undefined && !isKept) closeSync(given);
    return true;
  }

  /** @returns whether the descriptor is held from now on. */
  #handle(bytes: Buffer, fd: number | undefined, sender: Sender): boolean {
    const handover = parseHandover(bytes);
    const refuse = (reason: string): false => {
      this.#options.onRefused(sender, reason);
      return false;
    };
    if (isRefused(handover)) return refuse(handover.refused);
    const origin = originOf(sender, handover);
    const before = this.#subscriptions.get(keyOf(origin));
    if (!handover.subscribe) {
      if (before !== undefined) this.#takeBack(before);
      return false;
    }
    if (fd === undefined) return refuse('a subscription without a descriptor');
    const reason = refusalOf(fd);
    if (reason !== undefined) return refuse(reason);
    if (before !== undefined) this.#takeBack(before);
    if (!this.#hasRoom(origin)) return refuse(`more than ${MAX_PER_PLATFORM} descriptors`);
    const isWaitedFor = this.#subscribe({ fd, origin, level: handover.level, isPaused: false });
    return isWaitedFor || refuse('a descriptor that cannot be waited for');
  }

  #hasRoom({ platform }: Origin): boolean {
    const others = [...this.#subscriptions.values()];
    if (others.length >= MAX_SUBSCRIPTIONS) return false;
    return others.filter(({ origin }) => origin.platform === platform).length < MAX_PER_PLATFORM;
  }

  #subscribe(subscription: Subscription): boolean {
    const { fd, origin } = subscription;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    if (!this.#options.readiness.add(fd, () => this.#read(subscription))) return false;
    this.#subscriptions.set(keyOf(origin), subscription);
    return true;
  }

  #read(subscription: Subscription): void {
    const { fd, origin, level } = subscription;
    const count = this.#bytesFrom(fd);
    if (count === undefined) return;
    if (count === 0) {
      this.#end(subscription);
      return;
    }
    if (this.#options.onData(origin, level, Buffer.from(this.#scratch.subarray(0, count)))) return;
    subscription.isPaused = true;
    this.#options.readiness.remove(fd);
    this.#options.whenRoom(origin.platform, () => this.#resume(subscription));
  }

  #resume(subscription: Subscription): void {
    if (this.#subscriptions.get(keyOf(subscription.origin)) !== subscription) return;
    subscription.isPaused = false;
    if (!this.#options.readiness.add(subscription.fd, () => this.#read(subscription))) this.#end(subscription);
  }

  /** undefined: nothing after all; 0: the end, or an error, such as the EIO of a terminal that was hung up. */
  #bytesFrom(fd: number): number | undefined {
    try {
      return readSync(fd, this.#scratch, 0, READ_BYTES, null);
    } catch (error) {
      return hasCode(error, 'EAGAIN') ? undefined : 0;
    }
  }

  /** What was written before it is taken back is still read, as far as a pipe can hold it. */
  #takeBack(subscription: Subscription): void {
    const { fd, origin, level } = subscription;
    for (let left = MAX_PIPE_BYTES; left > 0; ) {
      const count = this.#bytesFrom(fd) ?? 0;
      if (count === 0) break;
      left -= count;
      this.#options.onData(origin, level, Buffer.from(this.#scratch.subarray(0, count)));
    }
    this.#end(subscription);
  }

  #end(subscription: Subscription): void {
    this.#subscriptions.delete(keyOf(subscription.origin));
    if (!subscription.isPaused) this.#options.readiness.remove(subscription.fd);
    closeSync(subscription.fd);
  }
}

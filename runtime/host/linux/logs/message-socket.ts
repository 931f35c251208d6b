/**
 * `<run>/pv-ctrl-log`, which is /dev/log in containers: connections that bring messages.
 *
 * In: connections of anybody, also hostile: half a message, nothing at all, thousands at once. Out: messages and who
 * sent them. Each sender may keep some connections open, and each connection says something soon or is closed. Nothing
 * is ever sent back.
 */
import { closeSync, readSync } from 'node:fs';
import { platformOfSender, type Sender } from '../../../../resources/log-format/attribution.ts';
import { isBinary } from '../../../../resources/log-format/binary.ts';
import { frame } from '../../../../resources/log-format/framing.ts';
import { hasCode } from '../files/file-errors.ts';
import type { Readiness } from '../kernel/readiness.ts';
import type { Senders } from '../peer/senders.ts';
import { openListener } from '../peer/socket-listener.ts';

export interface MessageSocketOptions {
  readonly path: string;
  readonly readiness: Readiness;
  readonly senders: Senders;
  /** A longer message is cut off. */
  readonly maxMessageBytes: number;
  /** The buffer is used again afterwards. */
  readonly onMessage: (sender: Sender, message: Buffer) => void;
}

/** Everybody may log: services in containers are seldom root. */
const MODE = 0o666;
/** For the first byte, and for a whole message from its first byte on. */
const SILENCE_MS = 5_000;
/** Text without an end, and the client does not close: it may be waiting for us to do so. */
const PAUSE_MS = 200;
const MAX_PER_SENDER = 64;
const MAX_CONNECTIONS = 1024;
const READ_BYTES = 16 << 10;

interface Connection {
  readonly fd: number;
  readonly sender: Sender;
  /** Of a message that is not whole yet. */
  rest: Buffer;
  /** Monotonic; when the first byte of `rest` came, or when it was accepted. */
  sinceMs: number;
  /** Monotonic; Infinity: it may be silent, as syslog(3) is between its messages. */
  deadlineMs: number;
}

const NOTHING = Buffer.alloc(0);
const NEVER = Number.POSITIVE_INFINITY;

export class MessageSocket {
  readonly #options: MessageSocketOptions;
  readonly #stopListening: () => void;
  /** Those that were not done with at once, the oldest first. */
  readonly #open = new Map<number, Connection>();
  readonly #held = new Map<string, number>();
  readonly #scratch = Buffer.allocUnsafeSlow(READ_BYTES);
  #timer: { readonly atMs: number; readonly timeout: NodeJS.Timeout } | undefined;

  /** @throws DeviceError */
  constructor(options: MessageSocketOptions) {
    this.#options = options;
    this.#stopListening = openListener({ ...options, mode: MODE, takesDescriptors: false }, (fd) => this.#begin(fd));
  }

  close(): void {
    clearTimeout(this.#timer?.timeout);
    this.#stopListening();
    for (const connection of [...this.#open.values()]) this.#finish(connection);
  }

  #begin(fd: number): void {
    const sender = this.#options.senders(fd);
    this.#read({ fd, sender, rest: NOTHING, sinceMs: performance.now(), deadlineMs: 0 });
  }

  /** Most connections have brought their message and were closed by the other side: done with at once. */
  #read(connection: Connection): void {
    const maxBytes = this.#options.maxMessageBytes;
    let bytes = connection.rest;
    let got: number | undefined;
    for (let count = 0; count < 2 && bytes.length < maxBytes; count += 1) {
      got = this.#receive(connection.fd, Math.min(READ_BYTES, maxBytes - bytes.length));
      if (got === undefined || got === 0) break;
      if (bytes.length === 0) connection.sinceMs = performance.now();
      bytes = Buffer.concat([bytes, this.#scratch.subarray(0, got)]);
    }
    const { messages, rest, isOver } = frame(bytes, got === 0, maxBytes);
    for (const message of messages) this.#options.onMessage(connection.sender, message);
    if (isOver || got === 0) {
      this.#close(connection);
    } else {
      connection.rest = rest;
      this.#keep(connection, messages.length > 0 && rest.length === 0);
    }
  }

  /** undefined: nothing there yet; 0: the end, or an error, which is as good. */
  #receive(fd: number, maxBytes: number): number | undefined {
    try {
      return readSync(fd, this.#scratch, 0, maxBytes, null);
    } catch (error) {
      return hasCode(error, 'EAGAIN') ? undefined : 0;
    }
  }

  #keep(connection: Connection, mayBeSilent: boolean): void {
    const { fd, rest, sinceMs } = connection;
    const isText = rest.length > 0 && !isBinary(rest);
    const pauseMs = isText ? performance.now() + PAUSE_MS : NEVER;
    connection.deadlineMs = mayBeSilent ? NEVER : Math.min(pauseMs, sinceMs + SILENCE_MS);
    this.#arm(connection.deadlineMs);
    if (this.#open.has(fd)) return;
    this.#makeRoom(connection);
    this.#open.set(fd, connection);
    if (!this.#options.readiness.add(fd, () => this.#read(connection))) this.#finish(connection);
  }

  #makeRoom({ sender }: Connection): void {
    const platform = platformOfSender(sender);
    const held = this.#held.get(platform) ?? 0;
    const isFull = this.#open.size >= MAX_CONNECTIONS;
    if (held >= MAX_PER_SENDER || isFull) {
      const oldest = [...this.#open.values()].find((other) => isFull || platformOfSender(other.sender) === platform);
      if (oldest !== undefined) this.#finish(oldest);
    }
    this.#held.set(platform, (this.#held.get(platform) ?? 0) + 1);
  }

  /** Nothing more is waited for: what is there is the message. */
  #finish(connection: Connection): void {
    if (connection.rest.length > 0)
      for (const message of frame(connection.rest, true, this.#options.maxMessageBytes).messages)
        this.#options.onMessage(connection.sender, message);
    this.#close(connection);
  }

  #close({ fd, sender }: Connection): void {
    if (this.#open.delete(fd)) {
      this.#options.readiness.remove(fd);
      const platform = platformOfSender(sender);
      const held = (this.#held.get(platform) ?? 1) - 1;
      if (held > 0) this.#held.set(platform, held);
      else this.#held.delete(platform);
    }
    closeSync(fd);
  }

  /** One timer, for the earliest; none when nobody is waited for. */
  #arm(atMs: number): void {
    if (atMs === NEVER || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return;
    clearTimeout(this.#timer?.timeout);
    const timeout = setTimeout(() => this.#expire(), Math.max(1, Math.ceil(atMs - performance.now())));
    this.#timer = { atMs, timeout };
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    let earliest = NEVER;
    for (const connection of [...this.#open.values()])
      if (connection.deadlineMs <= nowMs) this.#finish(connection);
      else earliest = Math.min(earliest, connection.deadlineMs);
    this.#arm(earliest);
  }
}

/**
 * What waits to be written: one bounded queue per platform, served in turn, so that whoever logs more than can be
 * written loses of its own and holds up nobody else.
 */
import type { LogRecord } from './log-record.ts';

/** Some ten thousand lines: what comes by messages while a disk is busy for a second. */
const PLATFORM_BYTES = 4 << 20;
const TOTAL_BYTES = 16 << 20;
/** Of a platform that has nothing in it yet, when all others have filled theirs. */
const LEAST_BYTES = 32 << 10;
/** Of each platform, before the next one has its turn. */
const QUANTUM_BYTES = 16 << 10;
/** What a record costs besides its data. */
const RECORD_BYTES = 256;
/** Platforms are containers, and names that helpers on the host make up. */
const MAX_PLATFORMS = 512;

interface Queue {
  records: LogRecord[];
  /** Those before it were taken. */
  next: number;
  bytes: number;
  received: number;
  lost: number;
  /** Losses that nobody was told of yet. */
  untold: number;
  waiting: (() => void)[];
}

export interface LogCount {
  readonly platform: string;
  readonly received: number;
  readonly lost: number;
}

const sizeOf = ({ data }: LogRecord): number => data.length + RECORD_BYTES;

export class LogQueues {
  readonly #queues = new Map<string, Queue>();
  /** Those with records, in the order of their turns. */
  readonly #turns = new Set<Queue>();
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#turns.size === 0;
  }

  isFull(platform: string): boolean {
    const queue = this.#queueOf(platform);
    return queue.bytes >= this.#limit(queue);
  }

  /** @returns false: there is no room, so the record is lost and counted. */
  put(record: LogRecord): boolean {
    const queue = this.#queueOf(record.platform);
    queue.received += 1;
    if (queue.bytes >= this.#limit(queue)) {
      queue.lost += 1;
      queue.untold += 1;
      return false;
    }
    queue.records.push(record);
    queue.bytes += sizeOf(record);
    this.#bytes += sizeOf(record);
    this.#turns.add(queue);
    return true;
  }

  /** Calls back once as soon as half of the platform's queue is free; at once if it is. */
  whenRoom(platform: string, callback: () => void): void {
    const queue = this.#queueOf(platform);
    queue.waiting.push(callback);
    this.#wake(queue);
  }

  /** Something of everybody, up to one record more than `maxBytes`; of each platform in its order. */
  take(maxBytes: number): readonly LogRecord[] {
    const batch: LogRecord[] = [];
    let bytes = 0;
    while (bytes < maxBytes && this.#turns.size > 0) {
      for (const queue of [...this.#turns]) {
        if (bytes >= maxBytes) break;
        bytes += this.#takeTurn(queue, Math.min(QUANTUM_BYTES, maxBytes - bytes), batch);
      }
    }
    for (const queue of this.#queues.values()) this.#wake(queue);
    return batch;
  }

  /** What was lost since the last call. */
  losses(): readonly { readonly platform: string; readonly lost: number }[] {
    const losses = [...this.#queues].filter(([, { untold }]) => untold > 0);
    return losses.map(([platform, queue]) => {
      const lost = queue.untold;
      queue.untold = 0;
      return { platform, lost };
    });
  }

  counts(): readonly LogCount[] {
    return [...this.#queues].map(([platform, { received, lost }]) => ({ platform, received, lost }));
  }

  #takeTurn(queue: Queue, maxBytes: number, batch: LogRecord[]): number {
    let bytes = 0;
    for (let record = queue.records[queue.next]; record !== undefined && bytes < maxBytes; ) {
      batch.push(record);
      bytes += sizeOf(record);
      queue.next += 1;
      record = queue.records[queue.next];
    }
    queue.bytes -= bytes;
    this.#bytes -= bytes;
    this.#turns.delete(queue);
    if (queue.next < queue.records.length) this.#turns.add(queue);
    // Cut off only now and then: shifting every time would move all that waits.
    if (queue.next === queue.records.length || queue.next > 1024) {
      queue.records = queue.records.slice(queue.next);
      queue.next = 0;
    }
    return bytes;
  }

  #limit(queue: Queue): number {
    const others = this.#bytes - queue.bytes;
    return Math.min(PLATFORM_BYTES, Math.max(LEAST_BYTES, TOTAL_BYTES - others));
  }

  /** One after the other: each may fill what the next one would need. */
  #wake(queue: Queue): void {
    while (queue.waiting.length > 0 && queue.bytes <= this.#limit(queue) / 2) queue.waiting.shift()?.();
  }

  #queueOf(platform: string): Queue {
    const known = this.#queues.get(platform);
    if (known !== undefined) return known;
    if (this.#queues.size >= MAX_PLATFORMS) this.#forget();
    const queue: Queue = { records: [], next: 0, bytes: 0, received: 0, lost: 0, untold: 0, waiting: [] };
    this.#queues.set(platform, queue);
    return queue;
  }

  #forget(): void {
    for (const [platform, queue] of this.#queues)
      if (queue.bytes === 0 && queue.untold === 0 && queue.waiting.length === 0) this.#queues.delete(platform);
  }
}

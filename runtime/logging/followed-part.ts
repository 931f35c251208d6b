/** One file that is followed, from where it was left to its end: whole lines, each delivered once. */

import type { FollowedFile } from '../host/followed-files.ts';
import { DeviceError } from '../host/host.ts';
import type { Delivered, Receipt } from './checkpoint.ts';

/** As one record: even if each byte were a line, making JSON of it would not hold the event loop up for long. */
const READ_BYTES = 16 * 1024;
/** A line that goes on and on comes in pieces. */
const MAX_LINE_BYTES = 4095;
/** How much may lie before the position until its room is given back. */
const RELEASE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export interface PartOptions {
  readonly delivered: Delivered;
  readonly deliver: (data: Buffer, receipt: Receipt) => Promise<void>;
  /** What was read is not needed any more. */
  readonly isRing: boolean;
  /** Emptied once everything is read and it is so large. */
  readonly truncateAtBytes?: number;
  readonly onForgetful: () => void;
}

/** How much of it is whole lines; all of it, if there is no more to come or the line is too long. */
const wholeLines = (data: Buffer, isLast: boolean): number => {
  if (isLast) return data.length;
  const end = data.lastIndexOf(NEWLINE) + 1;
  return end === 0 && data.length >= MAX_LINE_BYTES ? MAX_LINE_BYTES : end;
};

/** Where a writer did not notice that its file was emptied, it leaves a hole. */
const withoutHole = (data: Buffer): Buffer => {
  const from = data.findIndex((byte) => byte !== 0);
  return from === -1 ? Buffer.alloc(0) : data.subarray(from);
};

export class FollowedPart {
  readonly file: FollowedFile;
  readonly #options: PartOptions;
  #position: number;
  #released = 0;

  constructor(file: FollowedFile, position: number, options: PartOptions) {
    this.file = file;
    this.#position = position;
    this.#options = options;
  }

  /** Closes the file if it cannot be used. @throws DeviceError */
  static async open(file: FollowedFile, options: PartOptions): Promise<FollowedPart> {
    try {
      const remembered = (await file.position()) ?? 0;
      return new FollowedPart(file, await options.delivered(file.identity, remembered), options);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async hasMore(): Promise<boolean> {
    return (await this.file.stat()).sizeBytes !== this.#position;
  }

  /** The next lines. @returns how many bytes they were; 0: there are none. @throws DeviceError */
  async next(isLast: boolean): Promise<number> {
    const { sizeBytes } = await this.file.stat();
    if (sizeBytes < this.#position) this.#position = 0; // emptied, or another one of the same number
    if (sizeBytes === this.#position) return this.#empty(sizeBytes);
    const read = await this.file.read(this.#position, READ_BYTES);
    const length = wholeLines(read, isLast && read.length < READ_BYTES);
    if (length === 0) return 0;
    await this.#deliver(read.subarray(0, length));
    await this.#release();
    return length;
  }

  async #deliver(read: Buffer): Promise<void> {
    const [from, to] = [this.#position, this.#position + read.length];
    const data = withoutHole(read);
    const commit = (): Promise<void> => this.#commit(to);
    if (data.length === 0) await commit();
    else await this.#options.deliver(data, { identity: this.file.identity, from, to, commit });
    this.#position = to;
  }

  async #commit(position: number): Promise<void> {
    try {
      if (!(await this.file.remember(position))) this.#options.onForgetful();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#options.onForgetful();
    }
  }

  async #release(): Promise<void> {
    if (!this.#options.isRing || this.#position - this.#released < RELEASE_BYTES) return;
    this.#released = this.#position;
    await this.file.release(this.#position);
  }

  async #empty(sizeBytes: number): Promise<0> {
    const { truncateAtBytes } = this.#options;
    if (truncateAtBytes === undefined || sizeBytes < truncateAtBytes || sizeBytes === 0) return 0;
    // What is added meanwhile would be lost; one that always grows loses it all the same, or it would fill the disk.
    const isUrgent = sizeBytes >= 2 * truncateAtBytes;
    if (!(await this.file.empty(isUrgent ? undefined : sizeBytes))) return 0;
    this.#position = 0;
    await this.#commit(0);
    return 0;
  }
}

/**
 * The mount table of this process, read only when the kernel says that it changed.
 *
 * The kernel hands it out a page at a time and mounts may come and go in between, which loses or doubles lines
 * (proc_pid_mountinfo(5) promises nothing). poll(2) tells exactly whether that happened, and whether an earlier reading
 * still holds; it costs microseconds where a table of a thousand mounts costs milliseconds.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { DeviceError } from '../../host.ts';
import { pollNow } from '../kernel/libc.ts';
import { type MountEntry, parseMountinfo } from './mountinfo.ts';

const POLLPRI = 0x2;
const ATTEMPTS = 20;

export class MountTable {
  readonly #file = openSync('/proc/self/mountinfo', 'r');
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #entries: readonly MountEntry[] | undefined;

  /** As it is now. @throws DeviceError EAGAIN when it never holds still. */
  read(): readonly MountEntry[] {
    if (this.#hasChanged()) this.#entries = undefined;
    for (let attempt = 0; this.#entries === undefined && attempt < ATTEMPTS; attempt += 1) {
      const text = this.#readText();
      if (!this.#hasChanged()) this.#entries = parseMountinfo(text);
    }
    if (this.#entries !== undefined) return this.#entries;
    throw new DeviceError('read', '/proc/self/mountinfo', 'EAGAIN', 'it keeps changing while it is read');
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Since this was asked last: asking takes the kernel's mark off. */
  #hasChanged(): boolean {
    return (pollNow(this.#file, POLLPRI) & POLLPRI) !== 0;
  }

  /** Synchronously: it comes from memory, and the shorter it takes the less changes meanwhile. */
  #readText(): string {
    const parts: Buffer[] = [];
    for (let position = 0; ; ) {
      const bytes = readSync(this.#file, this.#buffer, 0, this.#buffer.length, position);
      if (bytes === 0) return Buffer.concat(parts).toString('utf8');
      parts.push(Buffer.from(this.#buffer.subarray(0, bytes)));
      position += bytes;
    }
  }
}

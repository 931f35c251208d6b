/**
 * What the simulated device changed on its file systems since it last synced, and how to take it back.
 *
 * A file system changes in small steps that are atomic on a real one too: an entry appears, is replaced, goes.
 * Every step leaves its inverse here. A torn operation is one whose last few steps are taken back; a power cut
 * takes back a tail of everything not yet synced, as a journalling file system does: a prefix survives, in order.
 */
import type { Random } from './random.ts';

export class Journal {
  #inverses: (() => void)[] = [];
  /** The wall clock of the device, for modification times. */
  wallMs: () => number = () => 0;

  record(inverse: () => void): void {
    this.#inverses.push(inverse);
  }

  get length(): number {
    return this.#inverses.length;
  }

  /** Everything so far is on the disk. */
  sync(): void {
    this.#inverses = [];
  }

  /** Takes back a seeded number of the steps after `mark`, the last ones first. */
  tear(mark: number, random: Random): void {
    const kept = mark + random.below(this.#inverses.length - mark + 1);
    while (this.#inverses.length > kept) this.#inverses.pop()?.();
  }
}

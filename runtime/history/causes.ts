/**
 * What was last done to every resource, and so what a decision came from.
 *
 * A plan names what it depended on: other resources, its own, or what is wanted of it. What changed there since the
 * resource itself last changed is what brought the plan about. Ids only grow, so causes are always older: no cycles.
 */
import type { Cause } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';

/** Of fifty volumes the last few to be mounted say enough. */
const MOST = 8;

export class Causes {
  /** Latest entry about a resource, and about what is wanted of it. */
  readonly #changed = new Map<Ref, number>();
  readonly #wanted = new Map<Ref, number>();
  /** Latest entry about the daemon itself. */
  #daemon = 0;

  changed(ref: Ref, id: number | undefined): void {
    if (id === undefined) this.#changed.delete(ref);
    else this.#changed.set(ref, id);
  }

  wanted(ref: Ref, id: number): void {
    this.#wanted.set(ref, Math.max(id, this.#wanted.get(ref) ?? 0));
  }

  daemon(id: number): void {
    this.#daemon = id;
  }

  lastChange(ref: Ref): number | undefined {
    return this.#changed.get(ref);
  }

  lastWish(ref: Ref): number | undefined {
    return this.#wanted.get(ref);
  }

  /** Resources that nobody has or wants any more need no memory. */
  forgetAllBut(live: (ref: Ref) => boolean): void {
    for (const map of [this.#changed, this.#wanted]) {
      for (const ref of map.keys()) if (!live(ref)) map.delete(ref);
    }
  }

  /** What `because` stands for at this moment, newest first. */
  of(ref: Ref, because: readonly Cause[]): readonly number[] {
    const [changed = 0, wanted = 0] = [this.#changed.get(ref), this.#wanted.get(ref)];
    const named: readonly Cause[] = because.length === 0 ? [ref] : because;
    const since = named.includes('desired') ? Math.max(changed, wanted) : changed;
    const ids = named.map((cause) => {
      if (cause === 'desired') return wanted;
      if (cause === ref) return changed >= since ? changed : 0;
      const other = this.#changed.get(cause) ?? 0;
      return other > since ? other : 0;
    });
    return this.#newest(ids.some((id) => id > 0) ? ids : [changed, wanted]);
  }

  /** What the latest of these have become, whatever came since. */
  ofOthers(refs: readonly Ref[]): readonly number[] {
    return this.#newest(refs.map((ref) => this.#changed.get(ref) ?? 0));
  }

  /** The daemon's start is a cause of what follows from nothing that happened since. */
  #newest(ids: readonly number[]): readonly number[] {
    const candidates = ids.some((id) => id >= this.#daemon) ? ids : [...ids, this.#daemon];
    return [...new Set(candidates)]
      .filter((id) => id > 0)
      .sort((a, b) => b - a)
      .slice(0, MOST);
  }
}

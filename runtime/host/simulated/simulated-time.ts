/**
 * The simulated device's time: one queue of timers, of the device itself and of the daemon that lives on it.
 *
 * Time stands still while anything can still run and jumps to the next timer when nothing can. "Nothing can run"
 * is found out by letting real macrotasks pass: one turn of the event loop drains every chained promise, so two
 * turns without any port operation or timer are rest. Nothing here looks at a real clock.
 */

// Taken when the module is loaded, so that a test's fake timers cannot stop the simulation.
const [later, muchLater] = [setImmediate, setTimeout];
const turn = (): Promise<void> => new Promise((resolve) => later(resolve));
const pause = (): Promise<void> => new Promise((resolve) => muchLater(resolve, 1));

/** Who set a timer; a daemon's timers die with it. */
export type Owner = object;

interface Timer {
  readonly atMs: number;
  readonly owner: Owner;
  readonly callback: () => void;
}

/** More operations or timers than this in one instant is a loop that would never end. */
const LIVELOCK = 50_000;
/**
 * Granted to work outside of the simulation (zlib inflating what is streamed) before it counts as waiting for the
 * device's time: first turns of the event loop, then real milliseconds.
 */
const PATIENCE = 300;
const PATIENT_TURNS = 200;

export class Timeline {
  #nowMs: number;
  #wallOffsetMs: number;
  #timers: Timer[] = [];
  #activity = 0;
  #inThisInstant = 0;
  readonly #holds = new Map<object, Owner>();
  #failure: Error | undefined;

  constructor(bootMs: number, wallMs: number) {
    this.#nowMs = bootMs;
    this.#wallOffsetMs = wallMs - bootMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** The wall clock jumps; monotonic time does not care. */
  setWall(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#nowMs;
  }

  /** Timers at the same instant fire in the order in which they were set. */
  at(atMs: number, owner: Owner, callback: () => void): () => void {
    const timer = { atMs: Math.max(atMs, this.#nowMs), owner, callback };
    const position = this.#timers.findIndex((other) => other.atMs > timer.atMs);
    this.#timers.splice(position === -1 ? this.#timers.length : position, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  after(delayMs: number, owner: Owner, callback: () => void): () => void {
    return this.at(this.#nowMs + delayMs, owner, callback);
  }

  /** In the next turn of the event loop, while no time passes. */
  soon(owner: Owner, callback: () => void): () => void {
    const letGo = this.hold(owner);
    const wait = later(() => {
      letGo();
      callback();
    });
    return () => {
      clearImmediate(wait);
      letGo();
    };
  }

  timersOf(owner: Owner): number {
    return this.#timers.filter((timer) => timer.owner === owner).length;
  }

  forget(owner: Owner): void {
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
    for (const [hold, holder] of this.#holds) if (holder === owner) this.#holds.delete(hold);
  }

  /** Something happened; answers false when too much did without any time passing. */
  touch(what: string): boolean {
    this.#activity += 1;
    this.#inThisInstant += 1;
    if (this.#inThisInstant <= LIVELOCK) return true;
    this.#failure ??= new Error(`${LIVELOCK} operations while no time passed, the last one: ${what}`);
    return false;
  }

  /** Something the simulation does not control is under way: time waits for it. Returns how to let go. */
  hold(owner: Owner): () => void {
    const hold = {};
    this.#holds.set(hold, owner);
    return () => {
      if (this.#holds.delete(hold)) this.#activity += 1;
    };
  }

  switchOff(): void {
    this.#timers = [];
    this.#failure = new Error('this device was switched off: use the host that powerCut() returned');
  }

  /** Lets everything happen that can happen now. */
  async settle(): Promise<void> {
    let waited = 0;
    for (let quiet = 0; quiet < 2; ) {
      const before = this.#activity;
      await (waited < PATIENT_TURNS ? turn() : pause());
      if (this.#failure !== undefined) throw this.#failure;
      const isQuiet = this.#activity === before;
      const isPatient = this.#holds.size > 0 && waited < PATIENCE;
      waited = isQuiet ? waited + 1 : 0;
      quiet = isQuiet && !isPatient ? quiet + 1 : 0;
    }
  }

  /** Lets so much time pass, and everything happen that falls due meanwhile. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    while (this.#fireNext(untilMs)) await this.settle();
    this.#moveTo(untilMs);
  }

  /** From event to event until the predicate holds. False: it did not within `limitMs`, or nothing will ever happen again. */
  async runUntil(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
    const untilMs = this.#nowMs + limitMs;
    await this.settle();
    while (!(await holds())) {
      if (!this.#fireNext(untilMs)) return false;
      await this.settle();
    }
    return true;
  }

  #moveTo(ms: number): void {
    if (ms > this.#nowMs) this.#inThisInstant = 0;
    this.#nowMs = Math.max(this.#nowMs, ms);
  }

  #fireNext(untilMs: number): boolean {
    const next = this.#timers[0];
    if (next === undefined || next.atMs > untilMs) return false;
    this.#timers.shift();
    this.#moveTo(next.atMs);
    if (this.touch('a timer')) next.callback();
    return true;
  }
}

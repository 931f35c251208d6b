/**
 * The daemon's process as the device sees it: every operation of the port passes through here.
 *
 * In: a call and its effect. Out: its result, after the faults had their say; a line in the log when something
 * changed; an entry in the trace. A dead daemon's promises stay pending for ever, so none of its code runs on,
 * not even a `finally`. It must never touch the device itself.
 */
import { Observable } from 'rxjs';
import { DeviceError } from '../host.ts';
import type { Kernel } from './kernel.ts';
import type { Delivery, Fault, Operation, Port } from './operation.ts';
import { Refusal } from './simulated-error.ts';

export type Call = Pick<Operation, 'port' | 'name' | 'subject'>;
type Listen<T> = (tell: (value: T) => void) => () => void;

const never = (): Promise<never> => new Promise(() => {});

/** Who calls the port: a daemon, or the operator whom no fault meets. */
export interface Caller {
  readonly alive: boolean;
  /** @throws DeviceError. The effect is synchronous up to its first await: it happens as one. */
  perform<T>(call: Call, effect: () => T | Promise<T>): Promise<T>;
  /** The caller streams: time waits until it lets go. */
  hold(): () => void;
  /** A line for the log; called by effects that changed something. */
  note(sentence: string): void;
  /** A stream of notifications: delivered later, never during an operation. */
  notifications<T>(call: Omit<Call, 'subject'>, subject: (value: T) => string, listen: Listen<T>): Observable<T>;
}

export class Daemon implements Caller {
  readonly log: string[] = [];
  readonly trace: Operation[] = [];
  readonly number: number;
  readonly #kernel: Kernel;
  readonly #faulty: boolean;
  readonly #inFlight = new Map<Operation, () => unknown>();
  readonly #subscriptions = new Set<() => void>();
  #alive = true;

  constructor(kernel: Kernel, number: number, faulty: boolean) {
    this.#kernel = kernel;
    this.number = number;
    this.#faulty = faulty;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Operations whose effect has not happened yet, oldest first. */
  get inFlight(): readonly Operation[] {
    return [...this.#inFlight.keys()];
  }

  note(sentence: string): void {
    if (this.#faulty) this.log.push(this.#alive ? sentence : `${sentence} (torn)`);
  }

  hold(): () => void {
    return this.#alive ? this.#kernel.timeline.hold(this) : () => {};
  }

  /** The process is gone: nothing it asked for is answered, nothing it waited for comes. */
  die(): void {
    this.#alive = false;
    this.#inFlight.clear();
    this.letGo();
  }

  letGo(): void {
    for (const stop of this.#subscriptions) stop();
    this.#subscriptions.clear();
    this.#kernel.timeline.forget(this);
  }

  /** The power fails: what was asked for and not answered yet may have happened, in part or whole. */
  losePower(): void {
    const unanswered = this.#alive ? [...this.#inFlight] : [];
    this.die();
    for (const [operation, effect] of unanswered) this.#tear(operation.port, effect);
  }

  async perform<T>(call: Call, effect: () => T | Promise<T>): Promise<T> {
    if (!this.#alive) return never();
    const operation = this.#enter(call);
    if (!this.#kernel.timeline.touch(`${call.port}.${call.name} ${call.subject}`)) return never();
    this.#inFlight.set(operation, effect);
    const before = this.#faulty ? this.#kernel.faults.before?.(operation) : undefined;
    if (before === 'tear') this.#tear(call.port, effect);
    await this.#meet(before, operation);
    if (!this.#alive) return never();
    this.#inFlight.delete(operation);
    const result = await this.#take(call, effect);
    if (!this.#alive) return never();
    await this.#meet(this.#faulty ? this.#kernel.faults.after?.(operation) : undefined);
    this.#kernel.timeline.touch(`${call.port}.${call.name} ${call.subject}`);
    return result;
  }

  notifications<T>(call: Omit<Call, 'subject'>, subject: (value: T) => string, listen: Listen<T>): Observable<T> {
    return new Observable((subscriber) => {
      if (!this.#alive) return;
      const give = (value: T): void => {
        this.#kernel.timeline.touch(`${call.port}.${call.name}`);
        if (this.#alive) subscriber.next(value);
      };
      const stop = listen((value) => this.#deliver({ ...call, subject: subject(value) }, () => give(value)));
      this.#subscriptions.add(stop);
      return () => {
        this.#subscriptions.delete(stop);
        stop();
      };
    });
  }

  #enter(call: Call): Operation {
    // The operator is not on the record: looking at a device must not shift what happens to its daemon.
    const operation = { ...call, index: this.#faulty ? this.#kernel.nextIndex() : -1, daemon: this.number };
    if (this.#faulty) this.trace.push(operation);
    return operation;
  }

  async #take<T>(call: Call, effect: () => T | Promise<T>): Promise<T> {
    try {
      const result = effect();
      this.#kernel.endOperation(call);
      return await result;
    } catch (error) {
      this.#kernel.endOperation(call);
      if (!this.#alive) return never();
      if (!(error instanceof Refusal)) throw error;
      throw new DeviceError(call.name, call.subject, error.code, error.message, { cause: error });
    }
  }

  async #meet(fault: Fault | undefined, operation?: Operation): Promise<void> {
    if (fault === undefined) return;
    if (fault instanceof DeviceError) {
      if (operation !== undefined) this.#inFlight.delete(operation);
      throw fault;
    }
    if (fault === 'crash' || fault === 'tear') this.die();
    else if (fault !== 'hang') await this.#sleep(fault.delayMs);
    if (fault === 'hang' || !this.#alive) await never();
  }

  #tear(port: Port, effect: () => unknown): void {
    const { journal, random } = this.#kernel;
    const inSteps = port === 'files';
    if (!inSteps && random.chance(0.5)) return;
    const mark = journal.length;
    this.die();
    try {
      // A start that nobody waits for may fail as it likes.
      Promise.resolve(effect()).catch(() => {});
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    if (inSteps) journal.tear(mark, random);
  }

  #deliver(call: Call, give: () => void): void {
    const operation = this.#enter(call);
    const delivery: Delivery | undefined = this.#faulty ? this.#kernel.faults.notification?.(operation) : undefined;
    if (delivery === 'lose') return;
    if (typeof delivery === 'object') {
      this.#kernel.timeline.after(delivery.delayMs, this.#kernel, give);
      return;
    }
    for (let count = delivery === 'duplicate' ? 2 : 1; count > 0; count -= 1) Promise.resolve().then(give);
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#kernel.timeline.after(delayMs, this.#kernel, resolve);
    });
  }
}

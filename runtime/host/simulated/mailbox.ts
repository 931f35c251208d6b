/** Listeners of something that happens on the device. */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }

  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** As LXC's monitor FIFO with its holder: what nobody reads now is kept for the next reader. */
export class Mailbox<T> {
  readonly #signal = new Signal<T>();
  #kept: T[] = [];

  post(value: T): void {
    if (this.#signal.heard) this.#signal.emit(value);
    else this.#kept.push(value);
  }

  listen(listener: (value: T) => void): () => void {
    const kept = this.#kept;
    this.#kept = [];
    for (const value of kept) listener(value);
    return this.#signal.listen(listener);
  }
}

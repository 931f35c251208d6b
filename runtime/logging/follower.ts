/**
 * Follows one file as it grows, is emptied, or gives way to a new one of its name.
 *
 * In: what somebody else writes, at any speed. Out: whole lines, each once, even over the daemon's death: see
 * checkpoint.ts. Nothing is polled: it watches while there is nothing to read. It does not watch while there is, nor for
 * a moment afterwards, so that whoever writes or touches a file as fast as they can costs some wake-ups a second and
 * `read-allowance.ts` bytes. What of a ring was overwritten meanwhile is lost, and said so in its place.
 */
import type { Subscription } from 'rxjs';
import type { FollowedFiles, FollowedRoot } from '../host/followed-files.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import { FollowedPart, type PartOptions } from './followed-part.ts';
import { allowance } from './read-allowance.ts';

export interface FollowOptions extends Omit<PartOptions, 'onForgetful'> {
  readonly files: FollowedFiles;
  readonly clock: Clock;
  readonly root: FollowedRoot;
  /** A ring is `<path>` and, full, `<path>.1`; then the one before that is gone. */
  readonly path: string;
  /** A line of our own in between. */
  readonly remark: (text: string) => Promise<void>;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Follower {
  /** Reads what there still is, and ends; resolves when nothing is open any more. */
  finish(): Promise<void>;
  /** Ends where it is. */
  stop(): Promise<void>;
}

const REST_MS = 50;
const AFTER_TROUBLE_MS = 1_000;
/** It cannot be watched, e.g. since the kernel has no watches left: there is no other way to hear of it. */
const UNWATCHED_MS = 60_000;
/** What is read at most of a file whose writer is gone. */
const MAX_REST_BYTES = 4 << 20;
/** What is told of a file whose position cannot be remembered. */
export const FORGETFUL = 'its file system remembers no position: a restart of the daemon repeats it';
const LOST = 'pantavisor: output is missing here: it came faster than it could be kept';

class FileFollower implements Follower {
  readonly #options: FollowOptions;
  readonly #part: PartOptions;
  readonly #allowance;
  #current: FollowedPart | undefined;
  #watch: Subscription | undefined;
  #wasWatching = false;
  #ending: 'finish' | 'stop' | undefined;
  #wake: () => void = () => {};
  #isForgetful = false;
  readonly #done: Promise<void>;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#allowance = allowance(options.clock);
    this.#part = {
      ...options,
      onForgetful: () => {
        if (!this.#isForgetful) options.onProblem(options.path, FORGETFUL);
        this.#isForgetful = true;
      },
    };
    this.#done = this.#run();
    this.#done.catch(options.onBug);
  }

  finish(): Promise<void> {
    return this.#end('finish');
  }

  stop(): Promise<void> {
    return this.#end('stop');
  }

  #end(how: 'finish' | 'stop'): Promise<void> {
    this.#ending = how;
    this.#wake();
    return this.#done;
  }

  async #run(): Promise<void> {
    let rest = MAX_REST_BYTES;
    while (this.#ending !== 'stop' && rest > 0) {
      // It may be told to end while it looks: then what it saw is not all.
      const isEnding = this.#ending !== undefined;
      const bytes = await this.#allowing(() => this.#advance());
      if (bytes === 'trouble') await this.#pause(AFTER_TROUBLE_MS);
      if (isEnding) {
        if (bytes === 0 || bytes === 'trouble') break;
        rest -= bytes;
      } else if (this.#ending !== undefined) continue;
      else if (bytes === 0 || bytes === 'trouble') await this.#wait();
      else {
        this.#unwatch();
        await this.#pause(this.#allowance.spend(bytes));
      }
    }
    this.#unwatch();
    await this.#allowing(() => this.#close());
  }

  /** @returns how many bytes were read; 0: there is nothing for now. */
  async #advance(): Promise<number> {
    this.#current ??= await this.#first();
    if (this.#current === undefined) return 0;
    const bytes = await this.#current.next(this.#ending === 'finish');
    if (bytes > 0) return bytes;
    return (await this.#turnOver()) ? this.#advance() : 0;
  }

  async #open(path: string): Promise<FollowedPart | undefined> {
    const { files, root } = this.#options;
    const file = await files.open(root, path);
    return file && FollowedPart.open(file, this.#part);
  }

  /** The one before, if something of it was not read yet. */
  async #first(): Promise<FollowedPart | undefined> {
    const { path, isRing } = this.#options;
    const before = await this.#open(`${path}.1`);
    if (before === undefined) return this.#open(path);
    this.#current = before; // closed with it, if it cannot be read
    const isOurs = isRing || (await before.file.position()) !== undefined;
    if (isOurs && (await before.hasMore())) return before;
    await this.#close();
    return this.#open(path);
  }

  /** Whether another file has the name now, and is the current one. */
  async #turnOver(): Promise<boolean> {
    const old = this.#current;
    const next = await this.#open(this.#options.path);
    if (old === undefined || next === undefined || next.file.identity === old.file.identity) {
      await next?.file.close();
      return false;
    }
    // Whoever writes may have had it open for a moment longer.
    while ((await old.next(true)) > 0);
    const isMissing = this.#options.isRing && !(await old.file.stat()).isNamed;
    await old.file.close();
    this.#current = isMissing ? await this.#between(next) : next;
    if (isMissing) await this.#options.remark(LOST);
    return true;
  }

  /** Of a ring that went on turning: the part before the last. */
  async #between(last: FollowedPart): Promise<FollowedPart> {
    const before = await this.#open(`${this.#options.path}.1`);
    if (before !== undefined && (await before.hasMore())) {
      await last.file.close();
      return before;
    }
    await before?.file.close();
    return last;
  }

  async #close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.file.close();
  }

  /** Returns once it watches, to look again, and then when something changed. */
  async #wait(): Promise<void> {
    if (this.#watch === undefined) {
      if (this.#wasWatching) await this.#pause(REST_MS);
      await this.#startWatching();
    } else {
      await this.#untilWoken();
      this.#unwatch();
    }
  }

  #startWatching(): Promise<void> {
    const { files, root, path } = this.#options;
    this.#wasWatching = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    let isWatching = false;
    this.#isTold = false;
    this.#watch = files.watch(root, path).subscribe({
      next: () => {
        if (isWatching) this.#tell();
        isWatching = true;
        resolve();
      },
      error: (error: unknown) => {
        if (error instanceof DeviceError) this.#trouble(error);
        else this.#options.onBug(error);
        this.#unwatch();
        this.#pause(UNWATCHED_MS).then(resolve);
      },
    });
    return promise;
  }

  #isTold = false;
  #tell(): void {
    this.#isTold = true;
    this.#wake();
  }

  #untilWoken(): Promise<void> {
    if (this.#isTold || this.#ending !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #unwatch(): void {
    this.#watch?.unsubscribe();
    this.#watch = undefined;
  }

  #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#ending !== undefined) return Promise.resolve();
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.schedule(clock.nowMs() + ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  async #allowing<T>(work: () => Promise<T>): Promise<T | 'trouble'> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#trouble(error);
      await this.#close().catch(() => undefined); // it is the first refusal that is told
      return 'trouble';
    }
  }

  #lastTrouble = '';
  #trouble({ code, message }: DeviceError): void {
    if (code !== this.#lastTrouble) this.#options.onProblem(this.#options.path, `not followed for now: ${message}`);
    this.#lastTrouble = code;
  }
}

export const follow = (options: FollowOptions): Follower => new FileFollower(options);

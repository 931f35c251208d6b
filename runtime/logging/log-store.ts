/**
 * The logs on the disk: the outputs `filetree` and `singlefile`.
 *
 * In: batches of records, the revision that runs, and how much room there is. Out: appended files, archives of those
 * that grew too long, and room for what comes. A batch is given to the kernel at once, so that a daemon that is killed
 * loses nothing; it is on the disk `SYNC_MS` later at the latest, which is what a power cut may cost.
 * Must never throw over a disk that says no, wait for gzip, or keep more than one batch in memory: what cannot be
 * written is lost, counted, and told once.
 */

import { inTurn } from '../engine/in-turn.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import type { LogFiles } from '../host/log-files.ts';
import type { Budget, BudgetSettings } from './budget.ts';
import { measuring } from './budget-measurement.ts';
import type { Note, Notes } from './checkpoint.ts';
import { openUsage, type Usage } from './disk-usage.ts';
import { losses } from './dropped-lines.ts';
import { type Chunk, type Layout, type Sorting, sorting } from './file-layout.ts';
import type { LogRecord } from './log-record.ts';
import { excessOf } from './log-retention.ts';
import type { LogSink } from './log-sink.ts';
import { type OpenFiles, openFiles } from './open-files.ts';
import { openRotation, type Rotation } from './rotation.ts';

export interface LogStoreOptions {
  readonly logs: LogFiles;
  readonly clock: Clock;
  readonly revision: string;
  /** Asked at every batch. */
  readonly layout: () => Layout;
  readonly budget: () => BudgetSettings;
  /** undefined: nothing is followed. */
  readonly notes?: Notes;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** How old what is not on the disk may get. */
const SYNC_MS = 10_000;
/** A disk that has said no is not asked again for so long; a name that cannot be used says nothing about the disk. */
const PAUSE_MS = 1_000;
const OF_ONE_NAME = ['ENOTDIR', 'EISDIR', 'ELOOP', 'EBUSY', 'EINVAL', 'ENAMETOOLONG'];
/** How far a file may outgrow its limit while the one before it is compressed. */
const PATIENCE = 4;

const DISK = 'logs';

class LogStore implements LogSink {
  readonly #options: LogStoreOptions;
  readonly #open: OpenFiles;
  readonly #usage: Usage;
  readonly #rotation: Rotation;
  readonly #sorting: Sorting = sorting();
  readonly #losses;
  readonly #measuring;
  readonly #turn = inTurn();
  #revision: string;
  #pausedUntilMs = 0;
  /** Its code: paths and sizes differ from one to the next. */
  #refusal = '';
  #trimming: Promise<void> | undefined;
  /** At which a vain look for what could go is repeated. */
  #trimAtBytes = 0;
  #cancelSync: (() => void) | undefined;

  constructor(options: LogStoreOptions) {
    this.#options = options;
    this.#revision = options.revision;
    this.#open = openFiles(options.logs, options.clock);
    this.#usage = openUsage(options.logs);
    this.#losses = losses(options.clock.nowMs, options.onProblem);
    this.#measuring = measuring({
      ...options,
      allowing: (doing, work) => this.#allowing(doing, work),
      onProblem: (message) => options.onProblem(DISK, message),
    });
    this.#rotation = openRotation({ ...options, usage: this.#usage, losses: this.#losses });
  }

  /** Whatever is written waits for it; nobody else does: the disk may hang. */
  start(): Promise<void> {
    return this.#turn(async () => {
      await this.#allowing('start', async () => {
        await this.#usage.refresh();
        await this.#rotation.recover();
      });
      this.#begin();
    });
  }

  write(records: readonly LogRecord[]): Promise<void> {
    return this.#turn(async () => {
      const chunks = this.#sorting.sort(records, this.#options.layout());
      if (chunks.length > 0) await this.#writeAll(chunks);
      for (const { receipt } of records) await receipt?.commit();
      if (records.some(({ receipt }) => receipt !== undefined)) await this.#noting((notes) => notes.clear());
    });
  }

  transition(revision: string): Promise<void> {
    return this.#turn(async () => {
      await this.#flush();
      await this.#allowing('close', () => this.#open.closeAll());
      this.#revision = revision;
      await this.#allowing('list', () => this.#usage.refresh());
      this.#measuring.again();
      this.#begin();
    });
  }

  stop(): Promise<void> {
    return this.#turn(async () => {
      await this.#flush();
      await this.#allowing('close', () => this.#open.closeAll());
      await this.#noting((notes) => notes.close());
      await this.#rotation.idle();
    });
  }

  #begin(): void {
    this.#sorting.begin(
      this.#revision,
      this.#usage.files().map(({ path }) => path),
    );
  }

  async #writeAll(chunks: readonly Chunk[]): Promise<void> {
    const budget = await this.#measuring.budget();
    const isFull = (): boolean => budget !== undefined && this.#usage.totalBytes >= budget.totalBytes;
    if (budget !== undefined && isFull()) await this.#trim(budget);
    if (isFull()) {
      for (const { lines } of chunks) this.#losses.add(DISK, 'there is no room within PV_LOG_DIR_MAXSIZE', lines);
      return;
    }
    await this.#note(chunks);
    for (const chunk of chunks) await this.#append(chunk, budget);
    if (budget === undefined) return;
    for (const { path } of chunks) if ((this.#usage.sizeOf(path) ?? 0) >= budget.fileBytes) await this.#rotate([path]);
    const { totalBytes } = this.#usage;
    if (totalBytes >= budget.highBytes && totalBytes >= this.#trimAtBytes)
      this.#trim(budget).catch(this.#options.onBug);
  }

  async #append(chunk: Chunk, { fileBytes } = { fileBytes: Number.POSITIVE_INFINITY }): Promise<void> {
    const { path, parts, lines } = chunk;
    const { clock } = this.#options;
    if (clock.nowMs() < this.#pausedUntilMs) return this.#losses.add(DISK, this.#refusal, lines);
    if (this.#rotation.isBusy(path) && (this.#usage.sizeOf(path) ?? 0) >= PATIENCE * fileBytes)
      return this.#losses.add(path, 'they come faster than they can be compressed', lines);
    try {
      this.#usage.set(path, await this.#open.append(path, parts));
      this.#losses.over(DISK);
      this.#losses.over(path);
      this.#syncLater();
    } catch (error) {
      this.#refused(path, error, lines);
    }
  }

  #refused(path: string, error: unknown, lines: number): void {
    if (!(error instanceof DeviceError)) throw error;
    if (OF_ONE_NAME.includes(error.code)) {
      this.#losses.add(path, error.message, lines);
      return;
    }
    this.#refusal = error.code;
    this.#losses.add(DISK, error.code, lines);
    this.#pausedUntilMs = this.#options.clock.nowMs() + PAUSE_MS;
  }

  /** What is about to be appended of files that are followed. */
  async #note(chunks: readonly Chunk[]): Promise<void> {
    const notes: Note[] = [];
    for (const { path, receipts } of chunks) {
      if (receipts.length === 0) continue;
      await this.#allowing('open', async () => {
        const { identity, sizeBytes } = await this.#open.of(path);
        for (const { receipt, at, length } of receipts) {
          const { identity: source, from, to } = receipt;
          notes.push({ path, file: identity, at: sizeBytes + at, length, source, from, to });
        }
      });
    }
    if (notes.length > 0) await this.#noting((file) => file.write(notes));
  }

  async #noting(work: (notes: Notes) => Promise<void>): Promise<void> {
    const { notes } = this.#options;
    if (notes !== undefined) await this.#allowing('note', () => work(notes));
  }

  async #rotate(paths: readonly string[]): Promise<void> {
    for (const path of paths)
      if (!this.#rotation.isBusy(path))
        await this.#allowing('rotate', async () => {
          await this.#open.close(path);
          await this.#rotation.rotate(path);
        });
  }

  /** One at a time. Looks at the disk first: whoever collects garbage takes logs away, too. */
  #trim(budget: Budget): Promise<void> {
    this.#trimming ??= this.#allowing('trim', () => this.#trimNow(budget)).finally(() => {
      this.#trimming = undefined;
    });
    return this.#trimming;
  }

  async #trimNow({ highBytes, lowBytes, fileBytes }: Budget): Promise<void> {
    await this.#usage.refresh();
    if (this.#usage.totalBytes < highBytes) return;
    const { remove, rotate } = excessOf(this.#usage.files(), this.#revision, lowBytes);
    for (const path of remove) {
      await this.#options.logs.remove(path);
      this.#usage.remove(path);
    }
    this.#trimAtBytes = remove.length + rotate.length > 0 ? 0 : this.#usage.totalBytes + fileBytes;
    // Not waited for: the batch that this is part of may be waiting for it.
    if (rotate.length > 0) this.#turn(() => this.#rotate(rotate)).catch(this.#options.onBug);
  }

  #syncLater(): void {
    const { clock, onBug } = this.#options;
    this.#cancelSync ??= clock.schedule(clock.nowMs() + SYNC_MS, () => {
      this.#cancelSync = undefined;
      this.#turn(() => this.#flush()).catch(onBug);
    });
  }

  async #flush(): Promise<void> {
    this.#cancelSync?.();
    this.#cancelSync = undefined;
    await this.#allowing('sync', () => this.#open.sync());
  }

  /** What the disk says no to costs log lines at most. */
  async #allowing(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#losses.over(`${DISK}: ${doing}`);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#losses.add(`${DISK}: ${doing}`, error.code, 0);
    }
  }
}

export const openLogStore = (options: LogStoreOptions): LogSink => {
  const store = new LogStore(options);
  store.start().catch(options.onBug);
  return store;
};

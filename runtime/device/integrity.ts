/**
 * Whether what runs and what is to be tried is what its document says. A revision that is not is told once and not
 * tried; the committed one is kept running, and put right as soon as somebody brings what it lacks.
 */
import { merge, type Subscription } from 'rxjs';
import { startJob } from '../engine/job.ts';
import { type Clock, DeviceError, type Files } from '../host/host.ts';
import type { BootRevisions } from '../store/boot/boot-revisions.ts';
import type { Source } from '../store/objects/verification.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import type { TrailContent } from '../store/trails/trail.ts';

/** A revision and what lies in its trail. */
export interface Checked {
  readonly revision: string;
  readonly content: TrailContent;
}

type Load = (revision: string) => Promise<Checked>;

export interface SoundnessOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly store: Store;
  readonly sources: readonly Source[];
  /** Where somebody may bring what is missing. */
  readonly directories: readonly string[];
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Soundness {
  /** Why a revision must not be tried; undefined: it may. @throws DeviceError */
  whyUnsound(revision: Checked, signal: AbortSignal): Promise<string | undefined>;
  /** Checks what a boot tries and what it falls back to, puts their files right, and again while anything is wrong. */
  watchOver(booted: BootRevisions, load: Load, onChange: () => void): void;
  /** What is wrong with a revision that is watched over. */
  faultOf(revision: string): string | undefined;
  /** Containers whose content is not what the revision says, and what of it. */
  damagedIn(revision: string): Readonly<Record<string, string>>;
  stop(): void;
}

const BURST_MS = 1_000;
const SHOWN = 3;

const sentence = (faults: readonly string[]): string | undefined => {
  if (faults.length === 0) return undefined;
  const more = faults.length - SHOWN;
  return faults.slice(0, SHOWN).join('; ') + (more > 0 ? ` and ${more} more` : '');
};

/** A fault begins with the path of the object: `<container>/…` or `_config/<container>/…`. */
const byContainer = (faults: readonly string[]): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const fault of faults) {
    const name = /^(?:_config\/)?([^/:]+)\//.exec(fault)?.[1];
    if (name !== undefined) found[name] ??= fault;
  }
  return found;
};

/** undefined: it cannot be read, which whoever observes the update tells. */
const readable = async (load: () => Promise<Checked>): Promise<Checked | undefined> => {
  try {
    return await load();
  } catch (error) {
    if (error instanceof Rejection || error instanceof DeviceError) return undefined;
    throw error;
  }
};

export const watchSoundness = (options: SoundnessOptions): Soundness => {
  const { files, clock, store, sources, directories, onProblem, onBug } = options;
  const stopping = new AbortController();
  const faults = new Map<string, string>();
  const damaged = new Map<string, Readonly<Record<string, string>>>();

  const check = async ({ revision, content }: Checked): Promise<string | undefined> => {
    try {
      const unsound = await store.verify(content, sources, stopping.signal);
      const healed = await store.heal(revision, content);
      if (healed.length > 0) onProblem(`revision ${revision}`, `made anew: ${healed.join(', ')}`);
      damaged.set(revision, byContainer(unsound));
      return sentence(unsound);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      return `it could not be checked: ${error.message}`;
    }
  };

  const look = async (load: () => Promise<Checked>): Promise<void> => {
    const revision = await readable(load);
    if (revision === undefined) return;
    const fault = await check(revision);
    if (fault !== undefined && fault !== faults.get(revision.revision))
      onProblem(`revision ${revision.revision}`, fault);
    if (fault === undefined) faults.delete(revision.revision);
    else faults.set(revision.revision, fault);
  };

  const watchOver: Soundness['watchOver'] = ({ committed, trying }, load, onChange) => {
    const revisions = trying === undefined ? [committed] : [trying, committed];
    const job = startJob({
      name: 'verification',
      clock,
      work: async () => {
        for (const revision of revisions) await look(() => load(revision));
        if (!stopping.signal.aborted) onChange();
        if (faults.size === 0) offers.unsubscribe();
        return undefined;
      },
      onProblem: (message) => onProblem('storage', message),
      onBug,
    });
    // Watched before it is looked at: what is brought meanwhile must not be missed.
    const offers = offering(job.run);
    stopping.signal.addEventListener('abort', job.stop);
    job.run();
  };

  /** Tells some time after the first of a burst, by when a copy is mostly complete. */
  const offering = (tell: () => void): Subscription => {
    let cancel: (() => void) | undefined;
    const wait = (): void => {
      cancel ??= clock.schedule(clock.nowMs() + BURST_MS, () => {
        cancel = undefined;
        tell();
      });
    };
    const subscription = merge(...directories.map((directory) => files.watch(directory))).subscribe({
      next: wait,
      error: (error: unknown) => onProblem('storage', `cannot wait for what is missing: ${String(error)}`),
    });
    subscription.add(() => cancel?.());
    stopping.signal.addEventListener('abort', () => subscription.unsubscribe());
    return subscription;
  };

  return {
    watchOver,
    faultOf: (revision) => faults.get(revision),
    damagedIn: (revision) => damaged.get(revision) ?? {},
    whyUnsound: async ({ content }, signal) =>
      sentence(await store.verify(content, sources, AbortSignal.any([signal, stopping.signal]))),
    stop: () => stopping.abort(),
  };
};

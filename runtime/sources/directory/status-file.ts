/** `<name>.status.json`: what became of a drop, for people and scripts that cannot ask the control socket. */
import { z } from 'zod';
import type { Progress } from '../../../resources/progress.ts';
import type { Clock, Files } from '../../host/host.ts';
import { statusFileOf } from './drop-name.ts';

const Wait = z.object({ resource: z.string(), reason: z.string() }).readonly();

const DropStatus = z
  .object({
    /** undefined: the file's name cannot be that of a revision. */
    revision: z.string().optional(),
    /** As in Progress. */
    status: z.string(),
    'status-msg': z.string(),
    progress: z.number(),
    /** Why it ended as it did. */
    reason: z.string().optional(),
    waitingOn: z.array(Wait).readonly().optional(),
    problems: z.array(z.string()).readonly().optional(),
    /** sha256 of the canonical state; undefined: it could not be read. */
    hash: z.string().optional(),
    /** The file this is about, so that a restart knows which one it has judged. */
    source: z
      .object({
        file: z.string(),
        sizeBytes: z.number(),
        modifiedMs: z.number(),
        /** Nobody can set this one back. Missing: written by an earlier version. */
        changedMs: z.number().optional(),
      })
      .readonly(),
    /** The storage it became a revision of; undefined: not known. */
    storage: z.string().optional(),
    /** When this last changed; wall clock, ISO 8601. */
    time: z.string(),
  })
  .readonly();
export type DropStatus = Omit<z.output<typeof DropStatus>, 'time'>;

/** What a revision is doing, told from outside. */
export interface ProgressReport {
  readonly progress: Progress;
  readonly reason?: string;
  readonly waitingOn?: readonly { readonly resource: string; readonly reason: string }[];
}

export interface StatusFiles {
  /** undefined: none, or not one of ours. */
  read(name: string): Promise<DropStatus | undefined>;
  /** Writes it if it says something new. Nothing for a name too long to have one. */
  write(name: string, status: DropStatus): Promise<void>;
}

const MAX_BYTES = 1024 * 1024;

const withoutTime = (status: DropStatus & { readonly time?: string }): string => {
  const { time: _, ...rest } = status;
  return JSON.stringify(rest);
};

export const openStatusFiles = (files: Files, clock: Clock, directory: string): StatusFiles => {
  const written = new Map<string, string>();
  // In order: an older status must never replace a newer one.
  let previous: Promise<unknown> = Promise.resolve();

  const read = async (name: string): Promise<DropStatus | undefined> => {
    const file = statusFileOf(name);
    if (file === undefined) return undefined;
    const path = `${directory}/${file}`;
    const stat = await files.stat(path);
    if (stat?.type !== 'file' || stat.sizeBytes > MAX_BYTES) return undefined;
    const text = (await files.read(path, MAX_BYTES))?.toString('utf8');
    return text === undefined ? undefined : DropStatus.safeParse(parseJson(text)).data;
  };

  const write = async (name: string, status: DropStatus): Promise<void> => {
    const file = statusFileOf(name);
    if (file === undefined) return;
    const known = written.get(name) ?? (await existing(name));
    if (known === withoutTime(status)) return;
    const text = JSON.stringify({ ...status, time: clock.wallTime().toISOString() }, undefined, 2);
    await files.write(`${directory}/${file}`, `${text}\n`, 0o644);
    written.set(name, withoutTime(status));
  };

  const existing = async (name: string): Promise<string | undefined> => {
    const status = await read(name);
    return status && withoutTime(status);
  };

  return {
    read,
    write: (name, status) => {
      const done = previous.then(() => write(name, status));
      previous = done.catch(() => undefined); // its caller has the error
      return done;
    },
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // no schema accepts it
    throw error;
  }
};

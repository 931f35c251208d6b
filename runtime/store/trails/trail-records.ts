/** What a trail remembers about itself: `.pv/progress`, `.pv/done` and, ours, `.pv/failure`. They vanish with the trail. */
import { z } from 'zod';
import type { Failure } from '../../../resources/kinds/update.ts';
import { Progress } from '../../../resources/progress.ts';
import { readSideFile } from '../../host/damage.ts';
import type { Files } from '../../host/host.ts';

/** A failure, and when it happened (wall clock, ISO 8601). */
export interface RecordedFailure extends Failure {
  readonly time: string;
}

const RecordedFailure = z
  .object({
    revision: z.string(),
    hash: z.string(),
    status: z.enum(['ERROR', 'WONTGO', 'CANCELLED']),
    message: z.string(),
    detail: z.string(),
    time: z.string(),
  })
  .readonly() satisfies z.ZodType<RecordedFailure>;

// Pantavisor caps progress at 4096 bytes and loses longer ones; escaped logs may need more.
const MAX_BYTES = 64 * 1024;

export interface Records {
  /** undefined: none yet, or damaged (reported); the same for a failure. */
  progress(trail: string): Promise<Progress | undefined>;
  setProgress(trail: string, progress: Progress): Promise<void>;
  failure(trail: string): Promise<RecordedFailure | undefined>;
  setFailure(trail: string, failure: RecordedFailure | undefined): Promise<void>;
  isDone(trail: string): Promise<boolean>;
  setDone(trail: string, done: boolean): Promise<void>;
}

export const openRecords = (files: Files, onProblem: (subject: string, message: string) => void): Records => {
  const load = async <T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const text = (await readSideFile(files, path, MAX_BYTES, onProblem))?.toString('utf8');
    if (text === undefined) return undefined;
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) onProblem(path, `not a record of ours, ignored: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  };

  const save = async (trail: string, name: string, content: string): Promise<void> => {
    await files.makeDirectory(`${trail}/.pv`, 0o755);
    const path = `${trail}/.pv/${name}`;
    // Flash: what is already there is not written again.
    if ((await readSideFile(files, path, MAX_BYTES, () => undefined))?.toString('utf8') === content) return;
    await files.write(path, content, 0o644);
  };

  return {
    progress: (trail) => load(`${trail}/.pv/progress`, Progress),
    setProgress: (trail, progress) => save(trail, 'progress', JSON.stringify(progress)),
    failure: (trail) => load(`${trail}/.pv/failure`, RecordedFailure),
    setFailure: (trail, failure) =>
      failure === undefined ? files.remove(`${trail}/.pv/failure`) : save(trail, 'failure', JSON.stringify(failure)),
    isDone: async (trail) => (await files.stat(`${trail}/.pv/done`)) !== undefined,
    setDone: (trail, done) => (done ? save(trail, 'done', '') : files.remove(`${trail}/.pv/done`)),
  };
};

/** By revision. */
export type Failures = Readonly<Record<string, RecordedFailure>>;

export const failuresOf = async (
  records: Records,
  revisions: () => Promise<readonly string[]>,
  trailOf: (revision: string) => string,
): Promise<Failures> => {
  const found: Record<string, RecordedFailure> = {};
  for (const revision of await revisions()) {
    const failure = await records.failure(trailOf(revision));
    if (failure !== undefined) found[revision] = { ...failure, revision };
  }
  return found;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // no schema accepts it
    throw error;
  }
};

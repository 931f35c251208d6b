/** A state dropped into the watched directory, and what the daemon says of it in `<name>.status.json` beside it. */
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What is read of the status file (runtime/sources/directory/status-file.ts has all of it). */
const Progress = z.looseObject({
  status: z.string(),
  'status-msg': z.string(),
  reason: z.string().optional(),
  waitingOn: z.array(z.looseObject({ resource: z.string(), reason: z.string() })).default([]),
});
export type Progress = z.output<typeof Progress>;

/** One line, with what it waits for. */
export const sentence = ({ status, 'status-msg': message, reason, waitingOn }: Progress): string => {
  const why = reason === undefined || reason === message ? message : `${message}: ${reason}`;
  const on = waitingOn.map(({ resource }) => resource).join(', ');
  return `${status}: ${why}${on === '' ? '' : ` (waiting for ${on})`}`;
};

const POLL_MS = 100;

/** Renamed into place, so that no half of it is ever seen. */
export function drop(tarball: string, watched: string, name: string): void {
  const partial = join(watched, `.${name}.tgz.partial`);
  copyFileSync(tarball, partial);
  renameSync(partial, join(watched, `${name}.tgz`));
}

function progressOf(file: string): Progress | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return Progress.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Error(`${file} is not as expected`, { cause });
  }
}

/**
 * Follows a drop to its end and calls `changed` whenever it moves on. Resolves to the last progress: DONE, WONTGO or ERROR.
 * @throws the signal's reason.
 */
export async function follow(
  watched: string,
  name: string,
  changed: (line: string) => void,
  signal: AbortSignal,
): Promise<Progress> {
  const file = join(watched, `${name}.status.json`);
  let last = '';
  for (;;) {
    signal.throwIfAborted();
    const progress = progressOf(file);
    if (progress !== undefined && last !== sentence(progress)) {
      last = sentence(progress);
      changed(last);
    }
    if (progress !== undefined && ['DONE', 'WONTGO', 'ERROR'].includes(progress.status)) return progress;
    await sleep(POLL_MS);
  }
}

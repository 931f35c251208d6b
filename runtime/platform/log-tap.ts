/**
 * Between the daemon's own log and its output: whoever taps it gets every line, those that were said before included.
 * A line is printed at once and by nobody else, unless the tap shows it in its place; last words always are.
 */
import type { DestinationStream } from 'pino';

export interface Tap {
  line(json: string): void;
  /** Whether lines show up on the output by way of the tap. */
  shows(): boolean;
}

export interface LogTap extends DestinationStream {
  /** @returns how to end it. */
  attach(tap: Tap): () => void;
}

/** A start says less than this. */
const MAX_KEPT = 256;
const FATAL = '{"level":60,';

export const logTap = (output: DestinationStream): LogTap => {
  let tap: Tap | undefined;
  let kept: string[] = [];
  return {
    write: (json) => {
      if (tap?.shows() !== true || json.startsWith(FATAL)) output.write(json);
      if (tap !== undefined) tap.line(json);
      else if (kept.length < MAX_KEPT) kept.push(json);
    },
    attach: (given) => {
      tap = given;
      for (const line of kept) given.line(line);
      kept = [];
      return () => {
        tap = undefined;
      };
    },
  };
};

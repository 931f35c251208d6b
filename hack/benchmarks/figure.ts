/** What a section of the benchmark has found out: rows of measured numbers, each with its goal where there is one. */

export type Unit =
  | 'ms'
  | 'MB'
  | 'KB'
  | 'req/s'
  | 'MB/s'
  | 'objects/s'
  | 'lines/s'
  | 'ticks'
  | 'bytes'
  | 'wake-ups'
  | 'processes'
  | 'calls'
  | '×'
  | 'ms/1000 keys'
  | 'pieces';

export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly values: readonly number[];
  /** The median must not be above it; for a rate, not below. */
  readonly goal?: number;
  readonly note?: string;
}

/** Of rates, more is better. */
export const isRate = (unit: Unit): boolean => unit.endsWith('/s');

export const isMet = ({ unit, goal }: Figure, median: number): boolean | undefined => {
  if (goal === undefined) return undefined;
  return isRate(unit) ? median >= goal : median <= goal;
};

export interface Section {
  readonly name: string;
  readonly title: string;
  /** How it is measured, for the report. */
  readonly method: string;
  run(context: Context): Promise<readonly Figure[]>;
}

export interface Context {
  /** An executable daemon. */
  readonly program: string;
  /** How often the usual thing is measured. */
  readonly rounds: number;
  readonly quick: boolean;
  say(line: string): void;
  /** Aborted when the benchmark is to end. */
  readonly signal: AbortSignal;
}

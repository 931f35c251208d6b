/** The budget of the logs, measured now and then: the settings change, and so may the size of the partition. */
import type { LogFiles } from '../host/log-files.ts';
import { type Budget, type BudgetSettings, budgetOf } from './budget.ts';

export interface Measuring {
  /** undefined: it could never be told. */
  budget(): Promise<Budget | undefined>;
  /** The next time it is measured anew. */
  again(): void;
}

export interface MeasuringOptions {
  readonly logs: Pick<LogFiles, 'room'>;
  readonly budget: () => BudgetSettings;
  /** Runs work that the disk may refuse. */
  readonly allowing: (doing: string, work: () => Promise<void>) => Promise<void>;
  /** Of each setting that makes no sense, once. */
  readonly onProblem: (message: string) => void;
}

/** In batches, as Pantavisor does in messages. */
const MEASURE_EVERY = 50;

export const measuring = ({ logs, budget, allowing, onProblem }: MeasuringOptions): Measuring => {
  let current: Budget | undefined;
  let told: string | undefined;
  let asked = 0;
  const measure = async (): Promise<void> => {
    current = budgetOf(budget(), await logs.room());
    const { problem } = current;
    if (problem !== undefined && problem !== told) onProblem(problem);
    told = problem;
  };
  return {
    budget: async () => {
      if (current === undefined || asked % MEASURE_EVERY === 0) await allowing('measure', measure);
      if (current !== undefined) asked += 1;
      return current;
    },
    again: () => {
      asked = 0;
    },
  };
};

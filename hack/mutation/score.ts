/** What a mutation run came to, from Stryker's JSON report. */
import { z } from 'zod';

const Position = z.object({ line: z.int(), column: z.int() });
const Mutant = z.object({
  mutatorName: z.string(),
  replacement: z.string().optional(),
  status: z.string(),
  location: z.object({ start: Position }),
});
const Report = z.object({ files: z.record(z.string(), z.object({ mutants: z.array(Mutant) })) });

export interface Score {
  readonly killed: number;
  readonly mutants: number;
  /** `path:line:column Mutator replacement`, of those that no test noticed. */
  readonly survivors: readonly string[];
}

/** A test that does not end has noticed as well. */
const KILLED = ['Killed', 'Timeout'];
const SURVIVED = ['Survived', 'NoCoverage'];
const REPLACEMENT_LENGTH = 60;

export const scoreOf = (report: unknown): Score => {
  const mutants = Object.entries(Report.parse(report).files).flatMap(([path, file]) =>
    file.mutants.map((mutant) => ({ path, ...mutant })),
  );
  const survived = mutants.filter(({ status }) => SURVIVED.includes(status));
  const killed = mutants.filter(({ status }) => KILLED.includes(status)).length;
  return {
    killed,
    mutants: killed + survived.length,
    survivors: survived.map(({ path, mutatorName, replacement = '', status, location: { start } }) => {
      const text = replacement.replace(/\s+/g, ' ').slice(0, REPLACEMENT_LENGTH);
      return `${path}:${start.line}:${start.column} ${mutatorName} ${text}${status === 'NoCoverage' ? ' (never run)' : ''}`;
    }),
  };
};

/** Rounded down: 89.99 is below 90. Nothing to kill is no success. */
export const percentOf = ({ killed, mutants }: Pick<Score, 'killed' | 'mutants'>): number =>
  mutants === 0 ? 0 : Math.floor((killed / mutants) * 1000) / 10;

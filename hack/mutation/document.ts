/** docs/mutation.md: what is measured, and the scores of the last whole run. */
import { percentOf } from './score.ts';

export interface Row {
  readonly name: string;
  readonly killed: number;
  readonly mutants: number;
  readonly floor: number;
}

const HEAD = `# Mutation scores

\`hack/mutate\` changes the code in small ways, one at a time (a condition that is always true, a call that is left out,
\`<\` for \`<=\`), and runs the tests of the room. A mutant that no test notices has survived. Tests of a room are those
under the same name: what whole devices do in the scenarios does not count for the pure rooms.

\`hack/test\` mutates a sample of the pure rooms, about 200 lines, the same for the same code (\`SEED=n hack/mutate
--sample reconcilers engine\` takes others), and fails when it is more than 4 points below their floor, which is what
chance can do to a sample of two hundred. The whole is run on demand. Strings are not mutated, and neither are constants
that are read once when a module is loaded. What cannot be killed is counted as survived: the \`default\` of a switch that
the compiler has shown to be complete, and \`?.\` where nothing is ever missing.

| room | mutants | killed | score | floor |
| --- | ---: | ---: | ---: | ---: |
`;

const lineOf = (row: Row): string =>
  `| ${row.name} | ${row.mutants} | ${row.killed} | ${percentOf(row).toFixed(1)} % | ${row.floor === 0 ? '' : `${row.floor} %`} |\n`;

export const documentOf = (rows: readonly Row[]): string => HEAD + rows.map(lineOf).join('');

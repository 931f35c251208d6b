/** docs/benchmarks.md and docs/benchmarks.json. Sections that were not run this time keep what they said before. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Figure, isMet, isRate, type Section } from './figure.ts';
import type { Machine } from './machine.ts';
import { reasonOf } from './reasons.ts';
import { type Summary, summaryOf } from './statistics.ts';

export interface Measured {
  readonly title: string;
  readonly method: string;
  readonly measuredAt: string;
  readonly commit: string;
  /** Load averages of 1, 5 and 15 minutes before and after. */
  readonly load: readonly [before: string, after: string];
  readonly figures: readonly (Figure & { readonly summary: Summary; readonly met?: boolean })[];
}

export interface Results {
  readonly machine: Machine;
  readonly sections: Readonly<Record<string, Measured>>;
}

export const measuredOf = (
  { title, method }: Section,
  figures: readonly Figure[],
  about: Pick<Measured, 'measuredAt' | 'commit' | 'load'>,
): Measured => ({
  title,
  method,
  ...about,
  figures: figures.map((figure) => {
    const summary = summaryOf(figure.values);
    const met = isMet(figure, summary.median);
    return { ...figure, summary, ...(met === undefined ? {} : { met }) };
  }),
});

export const readResults = (file: string): Results | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined; // we wrote it

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

export const writeJson = (file: string, results: Results): void =>
  writeFileSync(
    file,
    `${JSON.stringify(results, (_, value) => (typeof value === 'number' ? rounded(value) : value), 1)}\n`,
  );

const digits = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
};

const row = ({ name, unit, goal, note, summary, met }: Measured['figures'][number]): string => {
  const { runs, min, median, max, standardDeviation } = summary;
  const aim = goal === undefined ? '' : `${isRate(unit) ? '≥' : '≤'} ${digits(goal)}`;
  const verdict = met === undefined ? '' : met ? 'yes' : '**no**';
  const cells = [
    note === undefined ? name : `${name} (${note})`,
    unit,
    `**${digits(median)}**`,
    ...[min, max, standardDeviation].map(digits),
    runs,
    aim,
    verdict,
  ];
  return `| ${cells.join(' | ')} |`;
};

const section = (name: string, { title, method, measuredAt, commit, load, figures }: Measured): string =>
  [
    `## ${title}`,
    '',
    method,
    '',
    `\`hack/bench ${name}\`, ${measuredAt}, commit ${commit}; load average ${load[0]} before, ${load[1]} after.`,
    '',
    '| what | unit | median | min | max | standard deviation | runs | goal | met |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
    ...figures.map(row),
  ].join('\n');

const missed = ({ sections }: Results): readonly string[] =>
  Object.values(sections).flatMap(({ figures }) =>
    figures.flatMap(({ name, unit, goal, summary, met }) =>
      met === false
        ? [
            `- ${name}: ${digits(summary.median)} ${unit}, the goal is ${digits(goal ?? Number.NaN)}: ${reasonOf(name) ?? '**nobody has said why yet**'}.`,
          ]
        : [],
    ),
  );

/** @param remarks written by people: what the figures mean, and why goals are missed. */
export const markdown = (results: Results, order: readonly string[], remarks: string): string => {
  const { machine, sections } = results;
  const list = missed(results);
  return [
    '# Benchmarks',
    '',
    'Written by `hack/bench`; what people have to say about it is in `docs/benchmarks-remarks.md` and is taken in below. All runs are in docs/benchmarks.json.',
    '',
    `Machine: ${machine.cpu}; ${machine.memory}; Linux ${machine.kernel}; storage ${machine.storage}; Node ${machine.node}; LXC ${machine.lxc}; ${machine.crun}. It is shared and noisy: compare medians, and trust ratios between figures of one section more than times.`,
    '',
    '## Goals that are missed',
    '',
    ...(list.length === 0 ? ['None.'] : list),
    '',
    remarks.trim(),
    '',
    ...order.flatMap((name) => {
      const measured = sections[name];
      return measured === undefined ? [] : [section(name, measured), ''];
    }),
  ].join('\n');
};

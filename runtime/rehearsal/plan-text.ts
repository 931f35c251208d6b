/** A plan for people. Pure. */

import { failureIn, isNothingToDo, type PlanReport } from './plan-report.ts';
import type { Pending } from './present.ts';
import type { Step } from './rehearsal.ts';
import { differenceLines } from './state-difference.ts';

const AGAINST = {
  running: 'the device as it runs now',
  storage: 'what the storage has committed',
  empty: 'an empty device',
} as const;

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

const bytes = (count: number): string => {
  let [value, unit] = [count, 'B'];
  for (const larger of UNITS) if (value >= 1000) [value, unit] = [value / 1000, larger];
  return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
};

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** As `pantavisor plan` prints it. */
export const renderPlan = (report: PlanReport): string => {
  if (isNothingToDo(report) && report.pending.length === 0)
    return `nothing to do: ${report.to} is what ${AGAINST[report.against]} already is`;
  const failure = failureIn(report);
  const sections: readonly (readonly string[])[] = [
    [`plan: ${report.from} → ${report.to}, against ${AGAINST[report.against]}`],
    headed('now', report.pending.map(pendingLine)),
    headed('changes', differenceLines(report.difference)),
    headed('containers', containerLines(report)),
    rebootLines(report),
    objectLines(report),
    headed(counted(report.steps.length, 'step'), stepLines(report.steps)),
    [wayBack(report)],
    headed('warnings', report.warnings),
    [failure === undefined ? `it would be committed as ${report.to}` : `it would fail: ${failure}`],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
};

const headed = (head: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [head, ...lines.map((line) => `  ${line}`)];

const pendingLine = ({ ref, outcome, sentence, reason, inSeconds }: Pending): string => {
  const until = inSeconds === undefined ? '' : `, ${inSeconds} s at most`;
  return sentence === undefined ? `${ref} ${outcome}${until}: ${reason}` : `${sentence}: ${reason}`;
};

const containerLines = ({ containers }: PlanReport): readonly string[] =>
  (['stopped', 'started', 'restarted', 'untouched'] as const).map(
    (fate) => `${fate.padEnd('untouched'.length)}  ${listed(containers[fate])}`,
  );

const rebootLines = ({ reboot: { needed, causes } }: PlanReport): readonly string[] => {
  if (needed) return headed('reboot: yes', causes.map(reasonOf));
  if (causes.length === 0) return ['reboot: no'];
  return headed('reboot: no; Pantavisor would reboot for this, here it goes without', causes.map(reasonOf));
};

const reasonOf = ({ reason }: { readonly reason: string }): string => reason;

const objectLines = ({ objects: { missing, neededBytes, freeBytes, absent } }: PlanReport): readonly string[] => {
  const free = freeBytes === null ? '' : `; ${bytes(Math.max(0, freeBytes - neededBytes))} free after`;
  const head = `objects: ${missing.length} to store, ${bytes(neededBytes)}${free}`;
  return absent.length === 0
    ? [head]
    : headed(
        head,
        absent.map((id) => `missing: ${id}`),
      );
};

/** Short times are the simulated device's own; what is worth telling is what is waited for. */
const stepLines = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap(({ sentence, reason, error, afterMs }, at) => {
    const waitedMs = afterMs - (steps[at - 1]?.afterMs ?? afterMs);
    const line = `${at + 1}. ${sentence}: ${reason}${error === undefined ? '' : ` (refused: ${error})`}`;
    return waitedMs < 1000 ? [line] : [`(${Math.round(waitedMs / 1000)} s later)`, line];
  });

const wayBack = ({ containers, fallback, reboot, from, to }: PlanReport): string => {
  if (from === to) return `if it fails: ${fallback} is all there is`;
  const { stopped, started, restarted } = containers;
  const deeds = [
    ...(reboot.needed ? ['reboots'] : []),
    ...(started.length > 0 ? [`stops ${listed(started)}`] : []),
    ...(stopped.length > 0 ? [`starts ${listed(stopped)} again`] : []),
    ...(restarted.length > 0 ? [`restarts ${listed(restarted)}`] : []),
  ];
  return `if it fails: back to ${fallback} by itself${deeds.length === 0 ? '' : `, which ${deeds.join(', ')}`}`;
};

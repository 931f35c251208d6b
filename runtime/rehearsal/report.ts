/** What a plan tells before anything is done: for machines as data, for people as text. Pure. */
import type { RebootCause } from '../../resources/transition.ts';
import { type Difference, differenceLines } from './difference.ts';
import type { Pending, Present } from './present.ts';
import type { Ending, Step } from './rehearsal.ts';

export interface Containers {
  readonly stopped: readonly string[];
  readonly started: readonly string[];
  readonly restarted: readonly string[];
  readonly untouched: readonly string[];
}

export interface PlanReport {
  readonly against: Present['source'];
  readonly from: string;
  readonly to: string;
  readonly difference: Difference;
  readonly reboot: { readonly needed: boolean; readonly causes: readonly RebootCause[] };
  readonly containers: Containers;
  readonly steps: readonly Step[];
  readonly ending: Ending;
  readonly objects: {
    /** Ids that the store has not got. */
    readonly missing: readonly string[];
    /** What those that come along need; objects that nobody brings are not counted. */
    readonly neededBytes: number;
    /** Of the missing, those that nobody brings. */
    readonly absent: readonly string[];
    readonly freeBytes: number | null;
  };
  /** What the daemon is at now, before anything is proposed. */
  readonly pending: readonly Pending[];
  /** Where it goes back to when it fails. */
  readonly fallback: string;
  readonly warnings: readonly string[];
}

export const isNothingToDo = ({ steps, difference }: PlanReport): boolean =>
  steps.length === 0 && difference.keys.length === 0;

/** It would not end in what was proposed. */
export const failureIn = ({ ending, objects }: PlanReport): string | undefined => {
  if (objects.absent.length > 0) return `${objects.absent.length} objects are neither in the store nor brought along`;
  if (objects.freeBytes !== null && objects.neededBytes > objects.freeBytes) {
    return `Space required ${objects.neededBytes} B, available ${objects.freeBytes} B`;
  }
  switch (ending.type) {
    case 'at-rest':
      return undefined;
    case 'given-up':
      return `it would be rolled back: ${ending.reason}`;
    case 'stalled':
    case 'unfinished':
      return `it would not be reached: ${ending.reasons.join('; ')}`;
    default:
      return ending satisfies never;
  }
};

/** Which containers a plan touches, by what was and is at work and by what is done to them. */
export const containersOf = (
  steps: readonly Step[],
  before: readonly string[],
  after: readonly string[],
): Containers => {
  const touched = (action: string): Set<string> =>
    new Set(steps.filter((step) => step.action === action).map(({ ref }) => ref.slice(ref.indexOf('/') + 1)));
  const ended = new Set([...touched('container.halt'), ...touched('container.kill')]);
  return {
    stopped: before.filter((name) => !after.includes(name)),
    started: after.filter((name) => !before.includes(name)),
    restarted: after.filter((name) => before.includes(name) && ended.has(name)),
    untouched: after.filter((name) => before.includes(name) && !ended.has(name)),
  };
};

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

const AGAINST = {
  running: 'the device as it runs now',
  storage: 'what the storage has committed; nothing is known to run',
  empty: 'an empty device',
} as const;

/** `3 steps` and so on, as `pantavisor plan` prints it. */
export const renderPlan = (report: PlanReport): string => {
  const { containers, objects, reboot, steps, difference } = report;
  if (isNothingToDo(report)) return `nothing to do: ${report.to} is what ${AGAINST[report.against]} already is`;
  const failure = failureIn(report);
  const sections = [
    [`plan: ${report.from} → ${report.to}, against ${AGAINST[report.against]}`],
    ['changes', ...differenceLines(difference).map((line) => `  ${line}`)],
    [
      'containers',
      `  stopped    ${listed(containers.stopped)}`,
      `  started    ${listed(containers.started)}`,
      `  restarted  ${listed(containers.restarted)}`,
      `  untouched  ${listed(containers.untouched)}`,
    ],
    [`reboot: ${reboot.needed ? 'yes' : 'no'}`, ...reboot.causes.map(({ reason }) => `  ${reason}`)],
    [
      `objects: ${objects.missing.length} to store, ${objects.neededBytes} B` +
        `${objects.freeBytes === null ? '' : `; ${objects.freeBytes - objects.neededBytes} B free after`}`,
      ...objects.absent.map((id) => `  missing: ${id}`),
    ],
    [`${steps.length} steps`, ...steps.map(({ sentence, reason }, at) => `  ${at + 1}. ${sentence}: ${reason}`)],
    [`if it fails: back to ${report.fallback}`],
    ...(report.warnings.length === 0 ? [] : [['warnings', ...report.warnings.map((line) => `  ${line}`)]]),
    [failure === undefined ? `it would be committed as ${report.to}` : `it would fail: ${failure}`],
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
};

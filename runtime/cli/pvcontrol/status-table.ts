/** The status document as a table for terminals: what every container is, should be, and why it is not. Pure. */
import Table from 'cli-table3';
import type { Condition } from '../../api/conditions.ts';
import type { ResourceView, StatusView } from '../../api/status.ts';
import { BORDERLESS, type Paint, painter, type Style } from '../shared/table.ts';
import { agoText } from './duration-text.ts';

export interface TableOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** When to count "since" from; default: when the document was written. */
  readonly now?: Date;
}

/** Names and reasons come from documents that anybody wrote: a terminal must not obey them. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

const styleOf = ({ outcome, state, attempts }: ResourceView): Style => {
  if (attempts > 0 || outcome === 'stalled' || state === 'RECOVERING') return 'red';
  if (outcome !== 'converged') return 'yellow';
  return state === 'STOPPED' ? 'gray' : 'green';
};

/** Containers in the order of their groups; those without a group, which are being removed, last. */
const containersOf = ({ resources }: StatusView): readonly ResourceView[] => {
  const groups = resources.filter(({ kind }) => kind === 'group').map(({ name }) => name);
  const rank = ({ group }: ResourceView): number => (group === null ? groups.length : groups.indexOf(group));
  return resources.filter(({ kind }) => kind === 'container').sort((a, b) => rank(a) - rank(b));
};

const HEADINGS = ['GROUP', 'CONTAINER', 'STATUS', 'GOAL', 'SINCE', 'REASON'];
const MIN_REASON_WIDTH = 24;

const cellsOf = (view: StatusView, now: Date): readonly (readonly [ResourceView, readonly string[]])[] =>
  containersOf(view).map((one, at, all) => {
    const isFirst = one.group !== all[at - 1]?.group;
    const group = isFirst ? (one.group ?? '(none)') : '';
    const cells = [group, one.name, one.state, one.goal ?? '', agoText(one.since, now), one.reason];
    return [one, cells.map(plain)] as const;
  });

const containerTable = (view: StatusView, { width, now }: TableOptions, paint: Paint): string => {
  const rows = cellsOf(view, now ?? new Date(view.time));
  if (rows.length === 0) return paint('gray', 'No containers.');
  const widths = HEADINGS.map((heading, at) =>
    Math.max(heading.length, ...rows.map(([, cells]) => cells[at]?.length ?? 0)),
  );
  const taken = widths.slice(0, -1).reduce((sum, cells) => sum + cells + 2, 0);
  const reason = Math.max(MIN_REASON_WIDTH, width - taken);
  const table = new Table({
    ...BORDERLESS,
    head: HEADINGS.map((heading) => paint('gray', heading)),
    colWidths: [...widths.slice(0, -1).map((cells) => cells + 2), reason],
    wordWrap: true,
  });
  for (const [one, [group = '', name = '', state = '', goal = '', since = '', why = '']] of rows)
    table.push([paint('gray', group), paint('bold', name), paint(styleOf(one), state), goal, since, why]);
  return table.toString().replace(/ +$/gm, '');
};

const conditionStyle = ({ type, status }: Condition): Style => {
  if (status === 'Unknown' || (type === 'Progressing' && status === 'False')) return 'gray';
  if (type === 'Degraded') return status === 'True' ? 'red' : 'green';
  return type === 'Converged' && status === 'True' ? 'green' : 'yellow';
};

const heading = (view: StatusView, now: Date, paint: Paint): string => {
  const trial = view.trial;
  const commit = trial?.commitAt
    ? `, commits in ${Math.max(0, Math.ceil((Date.parse(trial.commitAt) - now.getTime()) / 1000))} s`
    : '';
  const fallback = trial === null ? '' : ` (falls back to ${trial.fallback}${commit})`;
  const { converged, total } = view.progress;
  const revision = paint('bold', plain(view.revision ?? 'no revision yet'));
  return `${revision}  ${view.phase}${plain(fallback)}  ${converged}/${total} as desired`;
};

const conditionLines = ({ conditions }: StatusView, paint: Paint): readonly string[] =>
  conditions.map((one) => {
    const word = paint(conditionStyle(one), `${one.type}=${one.status}`.padEnd(20));
    return `${word}${one.reason}: ${plain(one.message)}`;
  });

/** What is not as desired besides containers, whose reasons stand in the table. */
const otherLines = ({ resources }: StatusView, paint: Paint): readonly string[] =>
  resources
    .filter(({ kind, outcome }) => kind !== 'container' && outcome !== 'converged')
    .map((one) => `${plain(one.ref)} ${paint(styleOf(one), one.outcome)}: ${plain(one.reason)}`);

/** Several lines, without a newline at the end. */
export const renderStatus = (view: StatusView, options: TableOptions): string => {
  const paint = painter(options.colour);
  const failed = view.failed.map(({ revision, message, detail }) =>
    paint('red', plain(`${revision} was given up: ${message}: ${detail}`)),
  );
  const sections = [
    [heading(view, options.now ?? new Date(view.time), paint), ...conditionLines(view, paint)],
    [containerTable(view, options, paint)],
    otherLines(view, paint),
    failed,
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
};

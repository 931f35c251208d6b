/** What containers use, from two looks at their cgroups, as data and as a table. Pure. */
import Table from 'cli-table3';
import type { Usage } from '../../host/linux/lxc/cgroup-usage.ts';
import { bytesText } from '../shared/progress-bar.ts';
import { BORDERLESS, painter } from '../shared/table.ts';
import { durationText } from './duration-text.ts';

/** One container at one moment. */
export interface Look extends Usage {
  readonly name: string;
  readonly group: string | null;
  readonly status: string;
  readonly restarts: number;
  /** undefined: it does not run. */
  readonly uptimeSeconds: number | undefined;
  /** Another one: it was restarted, and its counters began anew. */
  readonly startedAtMs: number | undefined;
}

export interface Looks {
  /** Monotonic. */
  readonly atMs: number;
  readonly containers: readonly Look[];
}

/** null: not known. Rates are per second between the two looks. */
export interface Row {
  readonly name: string;
  readonly group: string | null;
  readonly status: string;
  /** Of one processor. */
  readonly cpuPercent: number | null;
  readonly cpuSeconds: number | null;
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly readBytesPerSecond: number | null;
  readonly writtenBytesPerSecond: number | null;
  readonly processes: number | null;
  readonly restarts: number;
  readonly uptimeSeconds: number | null;
}

type Counter = 'cpuSeconds' | 'readBytes' | 'writtenBytes';

/** Per second; null without two looks at the same run of the container. */
const rate = (now: Look, before: Look | undefined, counter: Counter, seconds: number): number | null => {
  const [to, from] = [now[counter], before?.[counter]];
  if (to === undefined || from === undefined || before?.startedAtMs !== now.startedAtMs || seconds <= 0) return null;
  return Math.max(0, to - from) / seconds;
};

const rounded = (value: number | null, digits: number): number | null =>
  value === null ? null : Number(value.toFixed(digits));

export const rowsOf = (now: Looks, before: Looks): readonly Row[] => {
  const earlier = new Map(before.containers.map((look) => [look.name, look]));
  const seconds = (now.atMs - before.atMs) / 1000;
  return now.containers.map((look) => {
    const last = earlier.get(look.name);
    const cpu = rate(look, last, 'cpuSeconds', seconds);
    return {
      name: look.name,
      group: look.group,
      status: look.status,
      cpuPercent: rounded(cpu === null ? null : cpu * 100, 1),
      cpuSeconds: rounded(look.cpuSeconds ?? null, 3),
      memoryBytes: look.memoryBytes ?? null,
      memoryLimitBytes: look.memoryLimitBytes ?? null,
      readBytes: look.readBytes ?? null,
      writtenBytes: look.writtenBytes ?? null,
      readBytesPerSecond: rounded(rate(look, last, 'readBytes', seconds), 0),
      writtenBytesPerSecond: rounded(rate(look, last, 'writtenBytes', seconds), 0),
      processes: look.processes ?? null,
      restarts: look.restarts,
      uptimeSeconds: look.uptimeSeconds ?? null,
    };
  });
};

const HEADINGS = [
  'CONTAINER',
  'STATUS',
  'CPU',
  'CPU TIME',
  'MEMORY',
  'LIMIT',
  'READ',
  'WRITTEN',
  'PROCESSES',
  'RESTARTS',
  'UPTIME',
];
const LEFT = 2;

const shown = (value: number | null, text: (value: number) => string): string => (value === null ? '-' : text(value));

const flow = (total: number | null, perSecond: number | null): string =>
  shown(total, bytesText) + (perSecond === null || perSecond === 0 ? '' : ` (${bytesText(perSecond)}/s)`);

const cellsOf = (row: Row): readonly string[] => [
  row.name,
  row.status,
  shown(row.cpuPercent, (value) => `${value.toFixed(1)} %`),
  shown(row.cpuSeconds, durationText),
  shown(row.memoryBytes, bytesText),
  shown(row.memoryLimitBytes, bytesText),
  flow(row.readBytes, row.readBytesPerSecond),
  flow(row.writtenBytes, row.writtenBytesPerSecond),
  shown(row.processes, String),
  String(row.restarts),
  shown(row.uptimeSeconds, durationText),
];

/** The busiest first. */
export const renderUsage = (rows: readonly Row[], options: { readonly colour: boolean }): string => {
  if (rows.length === 0) return 'No containers.';
  const paint = painter(options.colour);
  const table = new Table({
    ...BORDERLESS,
    head: HEADINGS.map((heading) => paint('gray', heading)),
    colAligns: HEADINGS.map((_, at) => (at < LEFT ? 'left' : 'right')),
  });
  const byCpu = rows.toSorted((a, b) => (b.cpuPercent ?? -1) - (a.cpuPercent ?? -1) || (a.name < b.name ? -1 : 1));
  for (const row of byCpu) table.push([...cellsOf(row)]);
  return table.toString().replace(/ +$/gm, '');
};

/** Tables without borders, for people; scripts get JSON. */
import { styleText } from 'node:util';
import Table, { type TableConstructorOptions } from 'cli-table3';

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colours, or none. */
export const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? styleText(style, text, { validateStream: false }) : text;

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) => [
    [side, ''],
    [`${side}-mid`, ''],
    [`${side}-left`, ''],
    [`${side}-right`, ''],
  ]),
);

/** Columns are kept apart by two blanks on their right. */
export const BORDERLESS: TableConstructorOptions = {
  chars: { ...NO_LINES, middle: '' },
  style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [], compact: true },
};

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(cell).join(', ');
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replace(/\p{Cc}+/gu, ' ');
};

/** Of statuses, Pantavisor's. What is on its way is yellow. */
const STYLES: Readonly<Record<string, Style>> = {
  MOUNTED: 'green',
  STARTED: 'green',
  READY: 'green',
  RECOVERING: 'red',
  STOPPED: 'gray',
  NONE: 'gray',
};

/** A list of objects as a table of these of their members; the column's heading is the member's name. */
export const listTable = (
  items: readonly Readonly<Record<string, unknown>>[],
  members: readonly string[],
  options: { readonly colour: boolean } = { colour: false },
): string => {
  if (items.length === 0) return 'None.';
  const paint = painter(options.colour);
  const table = new Table({
    ...BORDERLESS,
    head: members.map((member) => paint('gray', member.toUpperCase().replaceAll('_', ' '))),
  });
  const painted = (member: string, text: string): string =>
    member === 'status' ? paint(STYLES[text] ?? 'yellow', text) : text;
  for (const item of items) table.push(members.map((member) => painted(member, cell(item[member]))));
  return table.toString().replace(/ +$/gm, '');
};

/** Tables without borders, for people; scripts get JSON. */
import Table, { type TableConstructorOptions } from 'cli-table3';

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

/** A list of objects as a table of these of their members; the column's heading is the member's name. */
export const listTable = (items: readonly Readonly<Record<string, unknown>>[], members: readonly string[]): string => {
  if (items.length === 0) return 'None.';
  const table = new Table({
    ...BORDERLESS,
    head: members.map((member) => member.toUpperCase().replaceAll('_', ' ')),
  });
  for (const item of items) table.push(members.map((member) => cell(item[member])));
  return table.toString().replace(/ +$/gm, '');
};

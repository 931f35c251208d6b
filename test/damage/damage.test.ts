/**
 * One damaged file of the storage or the run directory: what can run runs, what is wrong is named, nothing else is
 * deleted. `DAMAGE=full` tries every file (`hack/damage`); otherwise one file of every class is tried.
 */
import { expect, test } from 'vitest';
import { DAMAGES, type Damage } from './damages.ts';
import { filesOf, judge, usedDevice, type Verdict } from './matrix.ts';

const isFull = process.env['DAMAGE'] === 'full';

/** Files that are alike: objects, records of one kind, revisions. */
const classOf = (path: string): string =>
  path
    .replace(/[0-9a-f]{64}/, '<id>')
    .replace(/\/\d+(?=\/|$|\.)/g, '/<n>')
    .replace(/locals\/\d+/, 'locals/<n>')
    .replace(/\b(db|web)\b/g, '<container>');

const chosen = (files: readonly string[]): readonly string[] => {
  if (isFull) return files;
  const latest = [...files].filter((path) => !/locals\/[13]\//.test(path));
  return [...new Map(latest.map((path) => [classOf(path), path])).values()];
};

/** What decides what runs. Half of the boot variables is enough: all but the beginning of the file is empty. */
const mustBeNamed = ({ path, kind }: Verdict): boolean =>
  path === '/storage/trails/locals/2/.pvr/json' ||
  (path === '/storage/boot/uboot.txt' && kind !== 'half' && kind !== 'flipped bit');

const rows: Verdict[] = [];

test('what can run runs, whatever single file is damaged', { timeout: 3_600_000 }, async () => {
  const rig = await usedDevice();
  const files = chosen(await filesOf(rig.host));
  rig.device.stop();
  const kinds: readonly Damage[] = DAMAGES;
  for (const path of files) for (const kind of kinds) rows.push(await judge(path, kind));
  const broken = rows.filter(({ faults }) => faults.length > 0);
  const count = (is: (row: Verdict) => boolean): number => rows.filter(is).length;
  process.stdout.write(
    `${rows.length - broken.length} of ${rows.length} (file × damage) kept the promise: ${files.length} files, ` +
      `${count(({ runs }) => runs === 'locals/2')} ran the committed revision, ` +
      `${count(({ runs }) => runs === 'locals/1')} the one before, ${count(({ isNamed }) => isNamed)} named\n`,
  );
  const silent = rows.filter((row) => mustBeNamed(row) && !row.isNamed);
  expect(silent.map(({ path, kind }) => `${path} × ${kind}`)).toEqual([]);
  expect(broken.map(({ path, kind, faults }) => `${path} × ${kind}: ${faults.join('; ')}`)).toEqual([]);
});

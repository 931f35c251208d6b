/** What is in the logs of a device, and containers that count. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { RealDevice } from './real-device.ts';

/** Numbered lines for as long as it runs, `each` in seconds. */
export const counting = (to: string, each = '0.01', before = ''): string =>
  `mkdir -p /var/log; i=0; while :; do i=$((i+1)); ${before} echo "line $i" >>${to}; sleep ${each}; done & `;

export const logOf = (device: RealDevice, path: string, revision = 'locals/app'): string =>
  join(device.logs, revision, path);

/** A log with everything of it that was rotated. */
export const whole = (file: string): string => {
  const [directory, name] = [join(file, '..'), file.slice(file.lastIndexOf('/') + 1)];
  const numberOf = (archive: string): number => Number(/\.(\d+)\.gz$/.exec(archive)?.[1]);
  const archives = existsSync(directory)
    ? readdirSync(directory).filter((archive) => archive.startsWith(`${name}.`) && archive.endsWith('.gz'))
    : [];
  archives.sort((left, right) => numberOf(left) - numberOf(right));
  const parts = archives.map((archive) => gunzipSync(readFileSync(join(directory, archive))).toString());
  return [...parts, existsSync(file) ? readFileSync(file, 'utf8') : ''].join('').replaceAll('\r', '');
};

export const numbersIn = (text: string): readonly number[] =>
  [...text.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number));

/** Nothing is missing, nothing twice. */
export const expectConsecutive = (numbers: readonly number[], from = 1): void => {
  const breaks = numbers.flatMap((number, index) => {
    const expected = index === 0 ? from : (numbers[index - 1] ?? 0) + 1;
    return number === expected ? [] : [`${expected} expected, ${number} found`];
  });
  expect(breaks).toEqual([]);
};

export const bytesBelow = (directory: string): number =>
  Number(execFileSync('du', ['-sb', '--apparent-size', directory], { encoding: 'utf8' }).split('\t')[0]);

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

const EMPTY = Buffer.alloc(0);

/** Archives of a log and the log, oldest first; undefined: it is being rotated now. */
const partsOf = (file: string): readonly string[] | undefined => {
  const [directory, name] = [join(file, '..'), file.slice(file.lastIndexOf('/') + 1)];
  const names = existsSync(directory) ? readdirSync(directory) : [];
  if (names.some((other) => other.startsWith(`.${name}.`))) return undefined;
  const numberOf = (archive: string): number => Number(/\.(\d+)\.gz$/.exec(archive)?.[1]);
  const archives = names.filter((other) => other.startsWith(`${name}.`) && other.endsWith('.gz'));
  archives.sort((left, right) => numberOf(left) - numberOf(right));
  return [...archives.map((archive) => join(directory, archive)), file];
};

/** Rotation goes on while it is read. */
const ATTEMPTS = 500;
const PAUSE_MS = 10;

/** A log with everything of it that was rotated. */
export const whole = (file: string): string => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const paths = partsOf(file);
    if (paths === undefined) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      continue;
    }
    const contents = paths.map((path) => (existsSync(path) ? readFileSync(path) : EMPTY));
    if (partsOf(file)?.join() !== paths.join()) continue;
    const texts = contents.map((content, index) => (index < contents.length - 1 ? gunzipSync(content) : content));
    return Buffer.concat(texts).toString().replaceAll('\r', '');
  }
  throw new Error(`${file} is rotated all the time`);
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

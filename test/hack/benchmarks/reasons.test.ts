import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { reasonOf } from '../../../hack/benchmarks/reasons.ts';
import type { Results } from '../../../hack/benchmarks/report.ts';

const published = resolve(import.meta.dirname, '../../../docs/benchmarks.json');

test('for every goal that is missed in what was published, somebody has said why', () => {
  const { sections } = JSON.parse(readFileSync(published, 'utf8')) as Results; // we wrote it
  const missed = Object.values(sections).flatMap(({ figures }) => figures.filter(({ met }) => met === false));
  expect(missed.map(({ name }) => name).filter((name) => reasonOf(name) === undefined)).toEqual([]);
});

test('what nobody knows yet has no reason', () => {
  expect(reasonOf('something else, N = 7')).toBeUndefined();
});

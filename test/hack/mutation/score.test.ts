import { describe, expect, it } from 'vitest';
import { documentOf } from '../../../hack/mutation/document.ts';
import { sampleOf } from '../../../hack/mutation/sample.ts';
import { percentOf, scoreOf } from '../../../hack/mutation/score.ts';

const mutant = (status: string) => ({
  mutatorName: 'BooleanLiteral',
  replacement: 'true',
  status,
  location: { start: { line: 3, column: 5 }, end: { line: 3, column: 10 } },
});
const report = (...statuses: readonly string[]) => ({ files: { 'a.ts': { mutants: statuses.map(mutant) } } });

describe('the score of a mutation run', () => {
  it('counts what a test noticed, also by not ending, and what none did, also by not running', () => {
    const score = scoreOf(report('Killed', 'Timeout', 'Survived', 'NoCoverage', 'Ignored', 'RuntimeError'));
    expect(score).toEqual({
      killed: 2,
      mutants: 4,
      survivors: ['a.ts:3:5 BooleanLiteral true', 'a.ts:3:5 BooleanLiteral true (never run)'],
    });
    expect(percentOf(score)).toBe(50);
  });

  it('is rounded down, and 0 when there was nothing to kill', () => {
    expect(percentOf({ killed: 8_999, mutants: 10_000 })).toBe(89.9);
    expect(percentOf({ killed: 0, mutants: 0 })).toBe(0);
  });

  it('refuses what is no report', () => {
    expect(() => scoreOf({ mutants: [] })).toThrow();
  });
});

describe('a sample', () => {
  const files = [
    { path: 'a.ts', lines: 100 },
    { path: 'b.ts', lines: 7 },
  ];

  it('is the same for the same seed, another one for another, and as large as asked for', () => {
    const first = sampleOf(files, 48, 1);
    expect(sampleOf(files, 48, 1)).toEqual(first);
    expect(first).toHaveLength(4);
    expect(new Set([1, 2, 3, 4, 5].map((seed) => sampleOf(files, 48, seed).join())).size).toBeGreaterThan(1);
  });

  it('covers every line once when all are asked for', () => {
    const all = sampleOf(files, 1_000, 1);
    expect(all[0]).toBe('a.ts:1-12');
    expect(all.slice(-2)).toEqual(['a.ts:97-100', 'b.ts:1-7']);
    expect(all).toHaveLength(10);
  });
});

it('the document has a line for each room, with its floor', () => {
  const document = documentOf([
    { name: 'engine', killed: 95, mutants: 100, floor: 90 },
    { name: 'store', killed: 1, mutants: 3, floor: 0 },
  ]);
  expect(document).toContain('| engine | 100 | 95 | 95.0 % | 90 % |\n| store | 3 | 1 | 33.3 % |  |\n');
});

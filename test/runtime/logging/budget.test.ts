import { describe, expect, it } from 'vitest';
import { type BudgetSettings, budgetOf } from '../../../runtime/logging/budget.ts';

const DISK = { totalBytes: 1_000_000_000, inMemory: false };
const settings = (maxSize: string, more: Partial<BudgetSettings> = {}): BudgetSettings => ({
  maxSize,
  hysteresisFactor: 4,
  rotateFactor: 5,
  ...more,
});

describe('how much room logs may take', () => {
  it.each([
    ['16M', 16 * 1024 * 1024],
    ['16MB', 16_000_000],
    ['512K', 524_288],
    ['4096', 4096],
    ['4096B', 4096],
    ['5%', 50_000_000],
    ['0', 100_000_000],
    ['', 100_000_000],
    ['0512K', 100_000_000],
    ['100%', 1_000_000_000],
  ])('%j is %i bytes', (maxSize, totalBytes) => {
    expect(budgetOf(settings(maxSize), DISK)).toMatchObject({ totalBytes });
    expect(budgetOf(settings(maxSize), DISK).problem).toBeUndefined();
  });

  it('is all of a tmpfs by default', () => {
    expect(budgetOf(settings('0'), { totalBytes: 777, inMemory: true }).totalBytes).toBe(777);
  });

  it('derives the marks and the limit of a file', () => {
    expect(budgetOf(settings('10M'), DISK)).toEqual({
      totalBytes: 10_485_760,
      highBytes: 9_437_184,
      lowBytes: 7_864_320,
      fileBytes: 524_288,
    });
  });

  it.each(['lots', '10X', '-5', '2G', '101%', '1e9', '10 M'])('takes the default for %j, and says why', (maxSize) => {
    const { totalBytes, problem } = budgetOf(settings(maxSize), DISK);
    expect(totalBytes).toBe(100_000_000);
    expect(problem).toContain(JSON.stringify(maxSize));
    expect(problem).toContain('expected');
  });

  it('survives factors that make no sense', () => {
    const { lowBytes, fileBytes } = budgetOf(settings('10M', { hysteresisFactor: 0, rotateFactor: -3 }), DISK);
    expect(lowBytes).toBe(0);
    expect(fileBytes).toBe(10_485_760);
    expect(budgetOf(settings('1', { rotateFactor: 1000 }), DISK).fileBytes).toBe(4096);
  });
});

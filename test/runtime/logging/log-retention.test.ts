import { describe, expect, it } from 'vitest';
import { excessOf } from '../../../runtime/logging/log-retention.ts';

const files = (sizes: Readonly<Record<string, number>>) =>
  Object.entries(sizes).map(([path, sizeBytes]) => ({ path, sizeBytes }));

describe('what goes when logs have grown too large', () => {
  it('is nothing when there is room', () => {
    expect(excessOf(files({ '1/web/a.1.gz': 10 }), '1', 10)).toEqual({ remove: [], rotate: [] });
  });

  it('is the lowest number of the log with most archives in the largest directory', () => {
    const logs = files({
      '1/web/a': 5,
      '1/web/a.9.gz': 10,
      '1/web/a.10.gz': 10,
      '1/web/b.1.gz': 30,
      '1/db/c.1.gz': 40,
      '1/db/c.2.gz': 1,
    });
    expect(excessOf(logs, '1', 95).remove).toEqual(['1/web/a.9.gz']);
    // 45 and 41: still the largest; then both logs have one, and 35 is less than 41.
    expect(excessOf(logs, '1', 50).remove).toEqual(['1/web/a.9.gz', '1/web/a.10.gz', '1/db/c.1.gz']);
  });

  it('looks at the largest directory again after each', () => {
    const logs = files({ '1/a/x.1.gz': 6, '1/a/x.2.gz': 6, '1/b/y.1.gz': 10 });
    expect(excessOf(logs, '1', 0).remove).toEqual(['1/a/x.1.gz', '1/b/y.1.gz', '1/a/x.2.gz']);
  });

  it('is archives of revisions that do not run before any of the one that does', () => {
    const logs = files({ '2/web/a.1.gz': 100, '1/web/a.1.gz': 10, 'locals/x/web/a.4.gz': 20, 'locals/x/web/a': 5 });
    expect(excessOf(logs, '2', 120).remove).toEqual(['locals/x/web/a.4.gz']);
    expect(excessOf(logs, '2', 110).remove).toEqual(['locals/x/web/a.4.gz', '1/web/a.1.gz']);
    expect(excessOf(logs, '2', 6).remove).toEqual(['locals/x/web/a.4.gz', '1/web/a.1.gz', '2/web/a.1.gz']);
  });

  it('is then whole logs of revisions that do not run, but never one that is being written: that is rotated', () => {
    const logs = files({ '2/web/a': 100, '2/web/b': 1, '1/web/a': 10, '1/db/b': 20 });
    expect(excessOf(logs, '2', 105)).toEqual({ remove: ['1/db/b', '1/web/a'], rotate: [] });
    expect(excessOf(logs, '2', 80)).toEqual({ remove: ['1/db/b', '1/web/a'], rotate: ['2/web/a'] });
  });

  it('counts what waits for its compression as the archive that it becomes', () => {
    expect(excessOf(files({ '1/web/.a.3.rotating': 10, '1/web/a.4.gz': 1 }), '1', 5).remove).toEqual([
      '1/web/.a.3.rotating',
    ]);
  });

  it('takes no longer than it may with tens of thousands of archives', () => {
    const many = Array.from({ length: 40_000 }, (_, index) => ({
      path: `1/p${index % 50}/log${index % 500}.${index}.gz`,
      sizeBytes: 1000 + (index % 7),
    }));
    let comparisons = 0;
    const counting = many.map((file) => ({
      path: file.path,
      get sizeBytes() {
        comparisons += 1;
        return file.sizeBytes;
      },
    }));
    expect(excessOf(counting, '1', 30_000_000).remove.length).toBeGreaterThan(9_000);
    expect(comparisons).toBeLessThan(400_000);
  });
});

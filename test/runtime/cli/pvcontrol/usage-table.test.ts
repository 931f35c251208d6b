import { describe, expect, it } from 'vitest';
import { type Look, renderUsage, rowsOf } from '../../../../runtime/cli/pvcontrol/usage-table.ts';

const look = (name: string, changes: Partial<Look> = {}): Look => ({
  name,
  group: 'app',
  status: 'STARTED',
  restarts: 0,
  uptimeSeconds: 90,
  startedAtMs: 1000,
  cpuSeconds: 1,
  memoryBytes: 1_500_000,
  memoryLimitBytes: undefined,
  readBytes: 1000,
  writtenBytes: 0,
  processes: 2,
  ...changes,
});
const between = (before: readonly Look[], now: readonly Look[]) =>
  rowsOf({ atMs: 12_000, containers: now }, { atMs: 10_000, containers: before });

describe('rates', () => {
  it('are per second, of one processor', () => {
    const [row] = between([look('web')], [look('web', { cpuSeconds: 4, readBytes: 5000 })]);
    expect(row).toMatchObject({ cpuPercent: 150, cpuSeconds: 4, readBytesPerSecond: 2000, writtenBytesPerSecond: 0 });
  });

  it.each([
    ['that was not there before', [], look('web')],
    ['that was restarted meanwhile', [look('web', { startedAtMs: 1, cpuSeconds: 100 })], look('web')],
    ['whose kernel does not count', [look('web', { cpuSeconds: undefined })], look('web', { cpuSeconds: undefined })],
  ])('are not known of a container %s', (_, before, now) => {
    expect(between(before, [now])[0]?.cpuPercent).toBeNull();
  });
});

it('is a table of the busiest first, with a dash for what is not known', () => {
  const rows = between(
    [look('idle'), look('web'), look('gone')],
    [
      look('idle', { memoryLimitBytes: 64_000_000, uptimeSeconds: 3700 }),
      look('web', { cpuSeconds: 2, readBytes: 41_000, restarts: 3 }),
      look('gone', {
        status: 'STOPPED',
        cpuSeconds: undefined,
        memoryBytes: undefined,
        uptimeSeconds: undefined,
        readBytes: undefined,
        writtenBytes: undefined,
        processes: undefined,
      }),
    ],
  );
  expect(renderUsage(rows, { colour: false })).toBe(
    [
      'CONTAINER  STATUS      CPU  CPU TIME  MEMORY    LIMIT                 READ  WRITTEN  PROCESSES  RESTARTS  UPTIME',
      'web        STARTED  50.0 %        2s  1.5 MB        -  41.0 kB (20.0 kB/s)      0 B          2         3  1m 30s',
      'idle       STARTED   0.0 %        1s  1.5 MB  64.0 MB               1.0 kB      0 B          2         0   1h 1m',
      'gone       STOPPED       -         -       -        -                    -        -          -         0       -',
    ].join('\n'),
  );
});

it('says so when there is nothing', () => {
  expect(renderUsage([], { colour: true })).toBe('No containers.');
});

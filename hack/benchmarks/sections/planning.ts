/** Large states: parse, compare with what is, plan. In this process, over the same functions as the daemon's. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Figure, Section } from '../figure.ts';
import { median, slopeOf } from '../statistics.ts';

const PLANNER = resolve(import.meta.dirname, '../planner.ts');
const SIZES = [1000, 2000, 5000, 10_000];
/** 5 000 keys. */
const GOAL = 50;
const execute = promisify(execFile);

interface Times {
  readonly cold: number;
  readonly warm: readonly number[];
}

export const planning: Section = {
  name: 'planning',
  title: 'Large states',
  method:
    '25 keys per container. Bytes → parsed and checked → compiled to resources → told to the reducer → every resource planned against a snapshot in which the former revision runs. In a process of its own for each size: first the time of the first call, which runs unoptimised code, then of further ones.',
  run: async ({ quick, say }) => {
    const all: Figure[] = [];
    const points: { x: number; y: number }[] = [];
    for (const keys of SIZES) {
      const colds: number[] = [];
      const warms: number[] = [];
      for (let round = 0; round < (quick ? 2 : 7); round += 1) {
        const { stdout } = await execute(process.execPath, [PLANNER, String(keys)]);
        const { cold, warm } = JSON.parse(stdout) as Times; // our own program's
        colds.push(cold);
        warms.push(...warm);
      }
      points.push({ x: keys / 1000, y: median(warms) });
      const goal = keys === 5000 ? { goal: GOAL } : {};
      all.push(
        { name: `parse + diff + plan, ${keys} keys, first call`, unit: 'ms', values: colds, ...goal },
        { name: `parse + diff + plan, ${keys} keys, further calls`, unit: 'ms', values: warms, ...goal },
      );
      say(`planning ${keys} keys: first ${median(colds).toFixed(0)}, further ${median(warms).toFixed(0)} ms`);
    }
    return [
      ...all,
      {
        name: 'growth (further calls): slope between sizes',
        unit: 'ms/1000 keys',
        values: [slopeOf(points).slope],
        note: 'linear when the time per 1000 keys is the same for all sizes',
      },
    ];
  },
};

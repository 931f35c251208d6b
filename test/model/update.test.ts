/** Every state that an update can come to, with everything that may happen at every write (explore.ts, promises.ts). */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Exploration, explore, wayTo } from './explore.ts';
import { firstTree } from './machine.ts';
import { brokenBy, brokenIn, brokenOnward } from './promises.ts';

const LIMIT_MS = 60_000;
const SHOWN = 5;
/** A second one meets the first in all of its states. */
const PROPOSALS = Number(process.env['MODEL_PROPOSALS'] ?? 1);

describe('an update that is cut off anywhere', () => {
  let all: Exploration;
  beforeAll(async () => {
    all = await explore(await firstTree(), PROPOSALS);
    const { states, steps, cutPoints } = all;
    process.stdout.write(
      `${cutPoints} of ${cutPoints} crash points of the update machine: ${states.size} states, ${steps.length} steps\n`,
    );
  }, LIMIT_MS);

  it('was explored for real', () => {
    expect(all.states.size).toBeGreaterThan(100);
    expect(all.cutPoints).toBeGreaterThan(2_000);
  });

  it('always leaves something that boots, and all of it', () => {
    const broken = [...all.states.values()].flatMap((state) =>
      brokenIn(state).map((fault) => `${fault}\n  ${wayTo(all, state.id).join('\n  ')}`),
    );
    expect(broken.slice(0, SHOWN)).toEqual([]);
  });

  it('never loses nor changes the reason why a revision was given up', () => {
    const broken = all.steps.flatMap((step) =>
      brokenBy(all, step).map((fault) => [fault, ...wayTo(all, step.from)].join('\n  ')),
    );
    expect(broken.slice(0, SHOWN)).toEqual([]);
  });

  it('always comes to rest, where boot variables, progress, failures and links agree', () => {
    expect(brokenOnward(all).slice(0, SHOWN)).toEqual([]);
  });
});

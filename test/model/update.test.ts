/** Every state that an update can come to, with everything that may happen at every write (explore.ts, promises.ts). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Exploration, explore, wayTo } from './explore.ts';
import { firstTree } from './machine.ts';
import { brokenBy, brokenIn, brokenOnward } from './promises.ts';

/** Half a minute on two cores, and several times that on busy ones. */
const LIMIT_MS = 150_000;
const SHOWN = 5;

describe.each([
  ['an update that is cut off anywhere', 1, false],
  // Undisturbed until then, so that the second one meets the first in each of its states.
  ['an update that another takes the place of, cut off anywhere', 2, true],
] as const)('%s', (name, proposals, isWay) => {
  let all: Exploration;
  beforeAll(async () => {
    all = await explore(await firstTree(), proposals, isWay);
  }, LIMIT_MS);

  let faults = 0;
  const judged = (broken: readonly string[]): readonly string[] => {
    faults += broken.length;
    return broken.slice(0, SHOWN);
  };
  afterAll(() => {
    const { states, steps, cutPoints } = all;
    const tally = `${states.size} states, ${steps.length} steps, ${faults} of them break a promise`;
    process.stdout.write(`${cutPoints} crash points of ${name} were met: ${tally}\n`);
  });

  it('was explored for real', () => {
    expect(all.states.size).toBeGreaterThan(100);
    expect(all.cutPoints).toBeGreaterThan(2_000);
  });

  it('always leaves something that boots, and all of it', () => {
    const broken = [...all.states.values()].flatMap((state) =>
      brokenIn(state).map((fault) => `${fault}\n  ${wayTo(all, state.id).join('\n  ')}`),
    );
    expect(judged(broken)).toEqual([]);
  });

  it('never loses nor changes the reason why a revision was given up', () => {
    const broken = all.steps.flatMap((step) =>
      brokenBy(all, step).map((fault) => [fault, ...wayTo(all, step.from)].join('\n  ')),
    );
    expect(judged(broken)).toEqual([]);
  });

  it('always comes to rest, where boot variables, progress, failures and links agree', () => {
    expect(judged(brokenOnward(all))).toEqual([]);
  });
});

/** Every call of an update, reads too, is refused with every errno, one per run: whatever was on the device goes on. */
import { describe, expect, it } from 'vitest';
import { firstTree, inTurn, onward, propose, RUN, type Run, recovered, run, start, type World } from './machine.ts';
import { brokenAtRest, brokenIn } from './promises.ts';
import { bootVariablesIn, type Tree, withoutBelow } from './tree.ts';

const ERRNOS = ['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'EDQUOT', 'EACCES'] as const;

const lastOf = ({ trees }: Run): Tree => trees.at(-1) ?? new Map();

describe.each<[string, string, World]>([
  ['an update that is committed', 'locals/two', 'good'],
  ['an update that is rolled back', 'locals/two', 'bad'],
])('%s', (name, revision, world) => {
  const proposedAgain = inTurn(propose(revision), onward(world, revision));
  const work = inTurn(start, proposedAgain);

  it('survives every errno at every call', { timeout: 240_000 }, async () => {
    const first = withoutBelow(await firstTree(), RUN);
    const { calls } = await run(first, work);
    const broken: string[] = [];
    let points = 0;
    let writes = 0;
    let refused = 0;
    for (let at = 0; at < calls; at += 1) {
      for (const [index, code] of ERRNOS.entries()) {
        const cut = await run(first, work, { at, code, any: true });
        points += 1;
        if (cut.isWriteCut) writes += 1;
        if (cut.isWriteCut && cut.end === 'refused') refused += 1;
        const tree = cut.trees.at(-1) ?? first;
        // By turns the same daemon goes on, and another one is started, for whom a trial is interrupted.
        const goesOn = (at + index) % 2 === 0;
        const rested = goesOn ? lastOf(await run(tree, work)) : await recovered(tree, proposedAgain);
        const faults = [...brokenIn({ tree }), ...brokenIn({ tree: rested }), ...brokenAtRest({ tree: rested })];
        const { pv_rev: committed } = bootVariablesIn(rested);
        if (goesOn && committed !== (world === 'good' ? revision : 'locals/one'))
          faults.push(`${committed} is committed in the end`);
        for (const fault of faults) broken.push(`${code} at call ${at}: ${fault}`);
      }
    }
    process.stdout.write(
      `${points - broken.length} of ${points} refusals of ${name}: ${calls} calls, ${ERRNOS.length} errnos\n`,
    );
    expect(broken.slice(0, 5)).toEqual([]);
    expect(calls).toBeGreaterThan(80);
    // Reads are tried again, and some writes are met by another way; a refusal that nobody notices would prove nothing.
    expect(refused).toBeGreaterThan(writes * 0.9);
  });
});

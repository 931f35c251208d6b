/** A power cut at any step of an update on a disk that keeps what it was not told to sync as it likes (recording-files.ts). */
import { describe, expect, it } from 'vitest';
import { firstTree, inTurn, onward, propose, RUN, recovered, run, start, type Work, type World } from './machine.ts';
import { brokenAtRest, brokenIn } from './promises.ts';
import { type Recording, recordingFiles } from './recording-files.ts';
import { bootVariablesIn, digestOf, type Tree, withoutBelow } from './tree.ts';

const LIMIT_MS = 120_000;
const STORAGE = '/storage';

/** One boot: what a daemon does until it comes to rest or reboots. */
const boot = async (tree: Tree, work: Work): Promise<{ readonly recording: Recording; readonly after: Tree }> => {
  let recording: Recording | undefined;
  const { trees } = await run(tree, work, undefined, (files) => {
    recording = recordingFiles(files, STORAGE, tree);
    return recording.files;
  });
  if (recording === undefined) throw new Error('nothing was recorded');
  return { recording, after: withoutBelow(trees.at(-1) ?? tree, RUN) };
};

/** Nobody boots by a link, and the Linux host syncs it, which is more than the port promises. */
const isAboutLinks = (fault: string): boolean => fault.startsWith('trails/current');

const faultsOf = async (crashed: Tree, revision: string): Promise<readonly string[]> => {
  const { pv_rev: committed } = bootVariablesIn(crashed);
  const isKnown = committed === 'locals/one' || committed === revision;
  const now = isKnown ? brokenIn({ tree: crashed }) : [`it boots ${committed}`];
  const tree = await recovered(crashed);
  return [...now, ...brokenIn({ tree }), ...brokenAtRest({ tree }).filter((fault) => !isAboutLinks(fault))];
};

describe('a power cut on a disk that reorders and tears what is not synced', () => {
  it.each<[string, string, World]>([
    ['an update that is committed', 'locals/two', 'good'],
    ['an update that is rolled back', 'locals/two', 'bad'],
    ['an update that reboots and is committed', 'locals/three', 'good'],
    ['an update that reboots and is rolled back', 'locals/three', 'bad'],
  ])('leaves old or new, never neither: %s', { timeout: LIMIT_MS }, async (name, revision, world) => {
    const seen = new Set<string>();
    const broken: string[] = [];
    const ends = new Set<string | undefined>();
    let [points, tree] = [0, withoutBelow(await firstTree(), RUN)];
    const first = inTurn(start, propose(revision), onward(world, revision));
    for (const work of [first, inTurn(start, onward(world, revision)), inTurn(start, onward(world, revision))]) {
      const { recording, after } = await boot(tree, work);
      for (const { tree: crashed, when } of recording.crashes()) {
        points += 1;
        const digest = digestOf(crashed, (path) => !path.startsWith(RUN));
        if (seen.has(digest)) continue;
        seen.add(digest);
        for (const fault of await faultsOf(crashed, revision)) broken.push(`${when}: ${fault}`);
        ends.add(bootVariablesIn(crashed)['pv_rev']);
      }
      tree = after;
    }
    process.stdout.write(`${points - broken.length} of ${points} crash points of ${name} (${seen.size} disks)\n`);
    expect(broken.slice(0, 5)).toEqual([]);
    expect(points).toBeGreaterThan(100);
    expect([...ends].sort()).toEqual(world === 'good' ? ['locals/one', revision].sort() : ['locals/one']);
  });
});

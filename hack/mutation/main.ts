/**
 * `hack/mutate`: Stryker over some rooms, with the tests that belong to them, and whether they reach their floors.
 *
 * In: names of rooms. Out: survivors, a score for each room, and an exit code. Prose is not mutated (strings): what a
 * reason says is checked where it matters, and nobody should test every word.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { documentOf } from './document.ts';
import { isRoomName, ROOM_NAMES, ROOMS, type Room, type RoomName } from './rooms.ts';
import { sampleOf } from './sample.ts';
import { percentOf, type Score, scoreOf } from './score.ts';

const DIRECTORY = '.cache/mutation';
const CONFIG = 'hack/mutation/vitest.config.ts';
const DOCUMENT = 'docs/mutation.md';
/** Of all rooms together: about a minute of two processors. */
const SAMPLE_LINES = 200;
const SEED = 8;
/** Points below the floor that a sample of some two hundred mutants may have by chance: two standard deviations. */
const TOLERANCE = 4;

interface Options {
  readonly rooms: readonly RoomName[];
  readonly sample: boolean;
  readonly write: boolean;
}

const optionsIn = (): Options => {
  const { values, positionals } = parseArgs({
    options: { sample: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !isRoomName(name));
  if (unknown !== undefined) throw new Error(`room ${unknown}: expected one of ${ROOM_NAMES.join(', ')}`);
  const rooms = positionals.filter(isRoomName);
  return { ...values, rooms: rooms.length === 0 ? ROOM_NAMES : rooms };
};

const linesOf = (path: string): number => readFileSync(path, 'utf8').split('\n').length;

const mutatedIn = (rooms: readonly RoomName[], sample: boolean): readonly string[] => {
  const files = rooms.flatMap((name) => globSync(`${ROOMS[name].directory}/**/*.ts`).toSorted());
  if (!sample) return files;
  const seed = Number(process.env['SEED'] ?? SEED);
  return sampleOf(
    files.map((path) => ({ path, lines: linesOf(path) })),
    SAMPLE_LINES,
    seed,
  );
};

/** @throws Error when it could not be run, which is no score. */
const mutate = (rooms: readonly RoomName[], sample: boolean): unknown => {
  const report = `${DIRECTORY}/${rooms.join('-')}.json`;
  const config = {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: CONFIG, related: false },
    mutate: mutatedIn(rooms, sample),
    mutator: { excludedMutations: ['StringLiteral'] },
    // Constants of a module would need all of it to be loaded anew for each.
    ignoreStatic: true,
    coverageAnalysis: 'perTest',
    concurrency: availableParallelism(),
    // It would rewrite it with an API that TypeScript 7 does not have.
    tsconfigFile: `${DIRECTORY}/none.json`,
    tempDirName: `${DIRECTORY}/sandbox`,
    ignorePatterns: ['.cache', 'dist', 'docs', 'examples'],
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: report },
    warnings: { slow: false },
    timeoutMS: 20_000,
  };
  rmSync(report, { force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  const file = `${DIRECTORY}/stryker.config.json`;
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const tests = rooms.flatMap((name) => ROOMS[name].tests);
  const { status, error } = spawnSync('stryker', ['run', file], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, MUTATED_TESTS: JSON.stringify(tests) },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`stryker ended with ${status}`);
  return JSON.parse(readFileSync(report, 'utf8'));
};

interface Result {
  readonly name: string;
  readonly score: Score;
  readonly floor: number;
}

const floorOf = (name: RoomName): number => (ROOMS[name] as Room).floor ?? 0;

const resultsOf = ({ rooms, sample }: Options): readonly Result[] => {
  // Together when sampled: what Stryker needs to begin is most of it then.
  if (sample)
    return [
      {
        name: `sample of ${rooms.join(', ')}`,
        score: scoreOf(mutate(rooms, true)),
        floor: Math.max(0, ...rooms.map((name) => floorOf(name) - TOLERANCE)),
      },
    ];
  return rooms.map((name) => ({ name, score: scoreOf(mutate([name], false)), floor: floorOf(name) }));
};

const sentence = ({ name, score, floor }: Result): string => {
  const goal = floor === 0 ? '' : `, at least ${floor} % expected`;
  return `${name}: ${score.killed} of ${score.mutants} mutants killed, ${percentOf(score).toFixed(1)} %${goal}`;
};

const main = (): void => {
  const options = optionsIn();
  const results = resultsOf(options);
  for (const { score } of results) for (const survivor of score.survivors) console.log(`survived: ${survivor}`);
  for (const result of results) console.log(sentence(result));
  if (options.write) writeFileSync(DOCUMENT, documentOf(results.map(({ score, ...rest }) => ({ ...rest, ...score }))));
  process.exitCode = results.some(({ score, floor }) => percentOf(score) < floor) ? 1 : 0;
};

main();

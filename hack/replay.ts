/** `hack/replay`: what happens to a simulated device, one line an event, and what becomes of its promises. */
import { parseArgs } from 'node:util';
import type { Event } from '../runtime/engine/event.ts';
import { simulate } from '../test/simulation/simulate.ts';
import { Broken } from '../test/simulation/verdict.ts';

const MAX_STATUS = 300;
const text = (value: unknown): string => JSON.stringify(value)?.slice(0, MAX_STATUS) ?? 'nothing';

const linesOf = (event: Event): readonly string[] => {
  switch (event.type) {
    case 'desired.changed':
      return [`desired is ${event.revision}`];
    case 'resource.observed':
      return [`see ${event.ref} ${text(event.status)}`];
    case 'observation.failed':
      return [`cannot see ${event.ref}: ${event.message}`];
    case 'resource.planned':
      return event.plans.map(
        ([ref, plan]) =>
          `plan ${ref} ${plan === undefined ? 'gone' : plan.outcome} ${plan && 'reason' in plan ? plan.reason : ''}`,
      );
    case 'action.started':
      return [`do ${event.action.type} ${event.action.ref}: ${event.reason}`];
    case 'action.succeeded':
      return [`done ${event.action.type} ${event.action.ref}`];
    case 'action.failed':
      return [`failed ${event.action.type} ${event.action.ref}: ${event.message}`];
    default:
      return event satisfies never;
  }
};

const write = (line: string): void => void process.stdout.write(`${line}\n`);

const verdictOf = (error: unknown): string =>
  error instanceof Broken ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);

const replay = async (seed: number): Promise<number> => {
  try {
    await simulate(seed, {
      tell: (line) => write(`\n== ${line}`),
      onEvent: (event, host) => {
        for (const line of linesOf(event)) write(`${String(host.clock.nowMs()).padStart(9)} ${line}`);
      },
    });
    write('every promise was kept');
    return 0;
  } catch (error) {
    write(`\n${verdictOf(error)}`);
    return 1;
  }
};

const replayMany = async (first: number, last: number): Promise<number> => {
  let failed = 0;
  for (let seed = first; seed <= last; seed += 1) {
    try {
      await simulate(seed);
    } catch (error) {
      failed += 1;
      write(`hack/replay ${seed}: ${verdictOf(error)}`);
    }
  }
  write(`${last - first + 1} seeds, ${failed} failed`);
  return failed === 0 ? 0 : 1;
};

const { positionals } = parseArgs({ allowPositionals: true });
const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(positionals[0] ?? '') ?? [];
if (first === undefined || positionals.length !== 1) {
  process.stderr.write(`hack/replay: expected SEED or FIRST..LAST, but saw ${positionals.join(' ')}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = last === undefined ? await replay(Number(first)) : await replayMany(Number(first), Number(last));
}

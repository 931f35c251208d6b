import { describe, expect, it } from 'vitest';
import { describePending, goalOf, groupStatusNameOf, pendingMembers } from '../../reconcilers/goals.ts';
import type { ContainerSpec, ContainerStatus } from '../../resources/kinds/container.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import { containerSpec, exited, groupSpec, installed, recovery, run, running, snapshotOf } from './given.ts';

const WEB = 'container/web';
const snapshot = (spec: ContainerSpec | undefined, status: ContainerStatus | undefined) =>
  snapshotOf({
    desired: { 'group/app': groupSpec(), ...(spec === undefined ? {} : { [WEB]: spec }) },
    observed: status === undefined ? {} : { [WEB]: status },
  });
const goal = (spec: ContainerSpec | undefined, status: ContainerStatus | undefined): string => {
  const given = snapshot(spec, status);
  const state = goalOf(resourceIn(given, WEB), given);
  return state.type === 'achieved' ? `achieved since ${state.sinceMs}` : state.type;
};

describe('the goal of a container', () => {
  it.each<readonly [string, ContainerSpec | undefined, ContainerStatus | undefined, string]>([
    ['that nobody wants', undefined, running(), 'idle'],
    ['that is not there', containerSpec(), undefined, 'pending'],
    ['of another definition', containerSpec(), running({ definition: 'old' }), 'pending'],
    ['that an operator stopped', containerSpec({ stopped: true }), installed(), 'idle'],
    ['that starts', containerSpec(), { ...installed(), phase: 'starting', run: run() } as never, 'pending'],
    ['that runs', containerSpec(), running(), 'achieved since 1000'],
    ['that runs and is not READY', containerSpec({ statusGoal: 'READY' }), running(), 'pending'],
    [
      'that is READY',
      containerSpec({ statusGoal: 'READY' }),
      running({ run: run({ readyAtMs: 7 }) }),
      'achieved since 7',
    ],
    ['that runs, and is to be restarted', containerSpec({ generation: 1 }), running(), 'pending'],
    ['that was restarted', containerSpec({ generation: 1 }), running({ generation: 1 }), 'achieved since 1000'],
    ['that is being stopped', containerSpec(), running({ run: run({ stopRequestedAtMs: 5 }) }), 'pending'],
    [
      'that crashed and comes back',
      containerSpec({ autoRecovery: recovery({ maxRetries: 2 }) }),
      exited({ type: 'code', code: 1 }),
      'pending',
    ],
  ])('%s', (_, spec, status, expected) => {
    expect(goal(spec, status)).toBe(expected);
  });
});

describe('a group', () => {
  it('is as far as its member that is farthest from its goal, and says which', () => {
    const pending = snapshot(containerSpec({ statusGoal: 'READY' }), running());
    expect(pendingMembers(resourceIn(pending, 'group/app'), pending)).toEqual([WEB]);
    expect(groupStatusNameOf('group/app', pending)).toBe('STARTED');
    expect(describePending([WEB], pending)).toBe('web is STARTED, its goal is READY');
    const reached = snapshot(containerSpec(), running());
    expect(pendingMembers(resourceIn(reached, 'group/app'), reached)).toEqual([]);
    expect(groupStatusNameOf('group/app', reached)).toBe('READY');
  });
});

import { describe, expect, it } from 'vitest';
import { reconcileGroup } from '../../reconcilers/group.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  opened,
  planFor,
  recovery,
  run,
  running,
  sentence,
} from './given.ts';

const ROOT = groupSpec({ name: 'root', order: 0, members: ['container/os'] });
const APP = groupSpec({ name: 'app', order: 1 });
const groups = { 'group/root': ROOT, 'group/app': APP };
const os = containerSpec({ name: 'os', group: 'group/root' });
const plan = (ref: `group/${string}`, given: Given, nowMs = 0): string =>
  sentence(planFor(reconcileGroup, ref, given, nowMs));

describe('opening', () => {
  it('begins with the first group', () => {
    expect(plan('group/root', { desired: groups })).toBe('group.open: all earlier groups are done');
    expect(plan('group/app', { desired: groups })).toBe('waiting for group/root: earlier groups come first');
  });

  it('goes on when the earlier group has reached its goals', () => {
    const desired = { ...groups, 'container/os': os };
    const pending = { 'group/root': opened(), 'container/os': installed() };
    expect(plan('group/app', { desired, observed: pending })).toMatch(/^waiting for group\/root/);
    const achieved = { 'group/root': opened(), 'container/os': running() };
    expect(plan('group/app', { desired, observed: achieved })).toBe('group.open: all earlier groups are done');
  });

  it('goes on when the earlier group used up its time', () => {
    const given = { desired: { ...groups, 'container/os': os }, observed: { 'group/root': opened(5000) } };
    expect(plan('group/app', given, 34_999)).toMatch(/^waiting/);
    expect(plan('group/app', given, 35_000)).toBe('group.open: all earlier groups are done');
  });

  it('is done anew for another revision', () => {
    const observed = { 'group/root': opened(0, '0@fff') };
    expect(plan('group/root', { desired: groups, observed })).toBe('group.open: all earlier groups are done');
  });

  it('an empty group holds nobody up', () => {
    const desired = { 'group/root': groupSpec({ name: 'root', members: [] }), 'group/app': APP };
    expect(plan('group/app', { desired, observed: { 'group/root': opened() } })).toMatch(/^group.open/);
  });
});

describe('an open group', () => {
  const given = (web: Given['observed'], statusGoal: 'STARTED' | 'READY' = 'STARTED') => ({
    desired: { 'group/app': groupSpec(), 'container/web': containerSpec({ statusGoal, autoRecovery: recovery() }) },
    observed: { 'group/app': opened(1000), ...web },
  });

  it('waits for its members, until its time is up', () => {
    expect(plan('group/app', given({ 'container/web': running() }, 'READY'), 30_999)).toBe(
      'waiting for container/web until 31000: web is STARTED, its goal is READY',
    );
    expect(plan('group/app', given({ 'container/web': running() }, 'READY'), 31_000)).toBe(
      'stalled: not reached in 30 s: web is STARTED, its goal is READY',
    );
  });

  it('gives a member that is started again later on its time anew', () => {
    const again = running({ run: run({ startedAtMs: 100_000 }) });
    expect(plan('group/app', given({ 'container/web': again }, 'READY'), 129_999)).toMatch(/until 130000/);
    expect(plan('group/app', given({ 'container/web': again }, 'READY'), 130_000)).toMatch(/^stalled/);
  });

  it('waits for a member that is on its way to the next start', () => {
    const plans = { 'container/web': { outcome: 'waiting', on: [], reason: 'volumes are not mounted yet' } } as const;
    expect(plan('group/app', { ...given({ 'container/web': installed() }), plans }, 100_000)).toMatch(/^waiting/);
    expect(plan('group/app', given({ 'container/web': installed() }), 100_000)).toMatch(/^stalled/);
  });

  it('is converged when all goals are reached', () => {
    const ready = { 'container/web': running({ run: run({ readyAtMs: 2000 }) }) };
    expect(plan('group/app', given(ready, 'READY'))).toBe('converged');
  });

  it('does not count a member that crashed and recovers as having reached its goal', () => {
    expect(plan('group/app', given({ 'container/web': exited({ type: 'code', code: 1 }) }), 2000)).toMatch(
      /web is RECOVERING, its goal is STARTED/,
    );
  });

  it('does not wait for a member whose work is done', () => {
    expect(plan('group/app', given({ 'container/web': exited({ type: 'code', code: 0 }) }))).toBe('converged');
  });

  it('does not wait for a member that the operator stopped', () => {
    const stopped = {
      desired: { 'group/app': groupSpec(), 'container/web': containerSpec({ stopped: true }) },
      observed: { 'group/app': opened(), 'container/web': installed() },
    };
    expect(plan('group/app', stopped)).toBe('converged');
  });

  it('is closed when no revision has it', () => {
    expect(plan('group/app', { observed: { 'group/app': opened() } })).toBe(
      'group.close: it is not part of the revision',
    );
  });
});

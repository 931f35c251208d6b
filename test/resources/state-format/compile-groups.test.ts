import { describe, expect, test } from 'vitest';
import { aState, compiled, compiling } from '../../state-builder.ts';

const membersOf = (state: ReturnType<typeof compiled>): Record<string, readonly string[]> =>
  Object.fromEntries(state.groups.map(({ name, members }) => [name, members.map((ref) => ref.split('/')[1] ?? '')]));

const warningsOf = (result: ReturnType<typeof compiling>): readonly string[] =>
  result.ok ? result.warnings.map(({ message }) => message) : [];

const problemsOf = (result: ReturnType<typeof compiling>): readonly string[] =>
  result.ok ? [] : result.problems.map(({ message }) => message);

describe('without groups of its own, a state gets the default groups', () => {
  test('the first container without a group becomes the root, the others are the platform', () => {
    const state = aState().container('a').container('b').container('c');
    expect(membersOf(compiled(state))).toEqual({ data: [], root: ['a'], platform: ['b', 'c'], app: [] });
    expect(warningsOf(compiling(state))).toEqual([
      'a/run.json.group is nothing, expected the name of a group; it goes to root: no container is in the group root, so this one',
    ]);
  });

  test('a container that is the root by runlevel or group leaves the others to the platform', () => {
    const state = aState().container('a').container('b', { runlevel: 'root' }).container('c', { group: 'app' });
    expect(membersOf(compiled(state))).toEqual({ data: [], root: ['b'], platform: ['a'], app: ['c'] });
    expect(warningsOf(compiling(state))).toEqual([]);
  });

  test('they are as Pantavisor ships them', () => {
    const { groups, containers } = compiled(aState().container('a').container('b', { runlevel: 'app' }));
    expect(
      groups.map(({ name, statusGoal, restartPolicy, timeoutSeconds }) => [
        name,
        statusGoal,
        restartPolicy,
        timeoutSeconds,
      ]),
    ).toEqual([
      ['data', 'MOUNTED', 'system', 30],
      ['root', 'STARTED', 'system', 30],
      ['platform', 'STARTED', 'system', 30],
      ['app', 'STARTED', 'container', 30],
    ]);
    expect(containers[1]?.autoRecovery).toEqual({
      policy: 'on-failure',
      maxRetries: 5,
      retryDelaySeconds: 5,
      backoffFactor: 2,
      resetWindowSeconds: 0,
      stableTimeoutSeconds: 30,
      backoffPolicy: { type: 'reboot' },
    });
  });

  test("the device's own defaults come first, and must have root and platform", () => {
    const state = aState().container('a').container('b');
    const defaultGroups = [{ name: 'root', timeout: 7 }, { name: 'platform' }];
    expect(membersOf(compiled(state, { defaultGroups }))).toEqual({ root: ['a'], platform: ['b'] });
    expect(problemsOf(compiling(state, { defaultGroups: [{ name: 'root' }] }))).toEqual([
      'b/run.json.group is nothing, expected a group, because the default groups lack root or platform',
    ]);
  });

  test('a state without containers is fine', () => {
    expect(compiled(aState()).groups).toHaveLength(4);
  });
});

describe('with groups of its own', () => {
  const groups = aState()
    .group({ name: 'first' })
    .group({ name: 'last', status_goal: 'READY', restart_policy: 'system' });

  test('a container without a group goes to the last one, with a warning', () => {
    const state = groups.container('a').container('b', { group: 'first' });
    expect(membersOf(compiled(state))).toEqual({ first: ['b'], last: ['a'] });
    expect(warningsOf(compiling(state))).toEqual([
      'a/run.json.group is nothing, expected the name of a group; it goes to last: the last group',
    ]);
  });

  test('goal, restart policy and timeout have their defaults', () => {
    expect(compiled(groups).groups).toMatchObject([
      { name: 'first', order: 0, statusGoal: 'STARTED', restartPolicy: 'container', timeoutSeconds: 120 },
      { name: 'last', order: 1, statusGoal: 'READY', restartPolicy: 'system' },
    ]);
  });

  test('containers inherit goal and restart policy unless they say otherwise', () => {
    const { containers } = compiled(
      groups
        .container('a', { group: 'last' })
        .container('b', { group: 'last', status_goal: 'STARTED', restart_policy: 'container' }),
    );
    expect(containers).toMatchObject([
      { name: 'a', statusGoal: 'READY', restartPolicy: 'system', group: 'group/last' },
      { name: 'b', statusGoal: 'STARTED', restartPolicy: 'container' },
    ]);
  });

  test.each([
    ['a group', { group: 'nowhere' }, 'a/run.json.group is "nowhere", expected one of the groups first, last'],
    ['a runlevel', { runlevel: 'root' }, 'a/run.json.runlevel is "root", expected one of the groups first, last'],
  ])('%s must exist', (_, run, problem) => {
    expect(problemsOf(compiling(groups.container('a', run)))).toEqual([problem]);
  });

  test('a runlevel that does not exist is ignored', () => {
    const result = compiling(groups.container('a', { group: 'first', runlevel: 'five' }));
    expect(warningsOf(result)).toEqual([
      'a/run.json.runlevel is "five", expected one of "data", "root", "platform", "app"; a/run.json.runlevel is left out',
    ]);
  });

  test('a group wins over a runlevel', () => {
    const state = groups.container('a', { group: 'first', runlevel: 'root' });
    expect(membersOf(compiled(state))).toEqual({ first: ['a'], last: [] });
    expect(warningsOf(compiling(state))).toEqual([
      'a/run.json.runlevel is "root", expected no runlevel beside a group; it is ignored',
    ]);
  });

  test('of two groups with one name the first counts', () => {
    const state = groups.group({ name: 'first', status_goal: 'MOUNTED' });
    expect(compiled(state).groups.map(({ name, statusGoal }) => [name, statusGoal])).toEqual([
      ['first', 'STARTED'],
      ['last', 'READY'],
    ]);
    expect(warningsOf(compiling(state))).toEqual([
      'groups.json[2].name is "first", expected a name of its own; the first one counts, this one is ignored',
    ]);
  });

  test('a group called __proto__ is a group', () => {
    const state = compiled(aState().group({ name: '__proto__' }).container('a', { group: '__proto__' }));
    expect(state.groups.map(({ name }) => name)).toEqual(['__proto__']);
    expect(state.resources['group/__proto__']).toMatchObject({ members: ['container/a'] });
  });
});

describe('device.json', () => {
  test('takes the place of groups.json and disks.json', () => {
    const state = aState()
      .group({ name: 'ignored' })
      .disk({ name: 'ignored', type: 'volume-disk', default: 'yes' })
      .with('device.json', { groups: [{ name: 'used' }] })
      .container('a', { group: 'used' });
    expect(compiled(state).groups.map(({ name }) => name)).toEqual(['used']);
    expect(warningsOf(compiling(state))).toEqual([
      expect.stringMatching(/^groups\.json is .*, expected no such key beside device\.json; it is ignored$/),
      expect.stringMatching(/^disks\.json is .*, expected no such key beside device\.json; it is ignored$/),
    ]);
  });

  test.each([
    ['lacks groups', {}, 'device.json.groups is nothing, expected a list of groups with at least one element'],
    ['has no groups', { groups: [] }, 'device.json.groups is [], expected a list of groups with at least one element'],
    [
      'has an empty list of disks',
      { groups: [{ name: 'a' }], disks: [] },
      'device.json.disks is [], expected a list of disks with at least one element',
    ],
  ])('that %s is refused', (_, device, problem) => {
    expect(problemsOf(compiling(aState().with('device.json', device)))).toEqual([problem]);
  });

  test('faulty network pools are left out and never refuse a state', () => {
    const good = { bridge: 'br0', subnet: '10.0.0.0/24', gateway: '10.0.0.1' };
    const pools = {
      good,
      nosubnet: { ...good, subnet: undefined },
      badgateway: { ...good, gateway: '10.0.0.256' },
      macvlan: { ...good, type: 'macvlan' },
      text: 'x',
    };
    const state = aState().with('device.json', { groups: [{ name: 'a' }], network: { pools } });
    expect([...compiled(state).device.pools.keys()]).toEqual(['good']);
    expect(warningsOf(compiling(state)).map((message) => message.split(' is ')[0])).toEqual([
      'device.json.network.pools.badgateway.gateway',
      'device.json.network.pools.macvlan.parent',
      'device.json.network.pools.nosubnet.subnet',
      'device.json.network.pools.text',
    ]);
  });
});

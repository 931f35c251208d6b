import { describe, expect, it } from 'vitest';
import { usersOf, withDependencies } from '../../reconcilers/dependencies.ts';
import { statusNameOf } from '../../reconcilers/goals.ts';
import { containersIn, groupsIn, isAlive, perSnapshot, refsIn, volumesOf } from '../../reconcilers/relations.ts';
import type { ContainerSpec, ContainerStatus } from '../../resources/kinds/container.ts';
import { act, CONVERGED } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import { EMPTY_SNAPSHOT, resourceIn } from '../../resources/snapshot.ts';
import {
  containerSpec,
  exited,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  recovery,
  rootVolume,
  run,
  running,
  snapshotOf,
} from './given.ts';

const WEB: Ref<'container'> = 'container/web';
const ROOT: Ref<'volume'> = 'volume/web/root.squashfs';

describe('relations in a snapshot', () => {
  it('are computed once for it', () => {
    let count = 0;
    const counted = perSnapshot(() => {
      count += 1;
      return { count };
    });
    const other = { ...EMPTY_SNAPSHOT };
    expect([counted(EMPTY_SNAPSHOT), counted(EMPTY_SNAPSHOT), counted(other)]).toEqual([
      { count: 1 },
      { count: 1 },
      { count: 2 },
    ]);
    expect(count).toBe(2);
  });

  it('are of what is wanted and of what is there, each once', () => {
    const snapshot = snapshotOf({
      desired: { [WEB]: containerSpec() },
      observed: { [WEB]: running(), [ROOT]: mountedRoot() },
    });
    expect(refsIn(snapshot)).toEqual([WEB, ROOT]);
    expect(containersIn(snapshot).map(({ ref }) => ref)).toEqual([WEB]);
    expect([volumesOf(WEB, snapshot), volumesOf('container/db', snapshot)]).toEqual([[ROOT], []]);
  });

  it('have groups that are wanted, in the order they start', () => {
    const snapshot = snapshotOf({
      desired: {
        'group/c': groupSpec({ order: 2 }),
        'group/a': groupSpec({ order: 0 }),
        'group/b': groupSpec({ order: 1 }),
      },
      observed: { 'group/old': opened() },
    });
    expect(groupsIn(snapshot).map(({ ref }) => ref)).toEqual(['group/a', 'group/b', 'group/c']);
  });

  it('have containers alive from their start to their end', () => {
    const starting = { ...installed(), phase: 'starting', run: run() } as ContainerStatus;
    expect([undefined, installed(), starting, running(), exited({ type: 'code', code: 0 })].map(isAlive)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});

describe('users of a resource', () => {
  it('are those that live with it', () => {
    const uses = (dependsOn: readonly Ref[]) => running({ run: run({ dependsOn }) });
    const snapshot = snapshotOf({
      observed: { [WEB]: uses(['disk/d', 'disk/e']), 'container/db': uses(['disk/d']), 'container/off': installed() },
    });
    expect([usersOf('disk/d', snapshot), usersOf('disk/e', snapshot), usersOf('disk/f', snapshot)]).toEqual([
      [WEB, 'container/db'],
      [WEB],
      [],
    ]);
  });
});

describe('a plan that needs what its spec depends on', () => {
  const start = act({ type: 'container.start', ref: WEB, spec: containerSpec(), volumes: {} }, 'why', [
    'group/app',
    'volume/x/y',
  ]);
  const plan = (
    dependsOn: readonly Ref[],
    observed = {},
    made: typeof start | typeof CONVERGED = start,
    wanted = true,
  ) => {
    const desired = { ...(wanted ? { [WEB]: containerSpec({ dependsOn }) } : {}), [ROOT]: rootVolume };
    const snapshot = snapshotOf({ desired, observed });
    return withDependencies<'container'>(() => made)(resourceIn(snapshot, WEB), snapshot, 0);
  };

  it('waits for those that are missing, and says why', () => {
    expect(plan([ROOT, 'container/db'], { [ROOT]: mountedRoot() })).toEqual({
      ...{ outcome: 'waiting', on: ['container/db'], reason: 'container db does not run yet' },
    });
    expect(plan([ROOT, 'container/db'])).toMatchObject({
      ...{
        on: [ROOT, 'container/db'],
        reason: 'volume web/root.squashfs is not mounted yet; container db does not run yet',
      },
    });
  });

  it('goes on when they are there, also because of them, each once', () => {
    expect(plan([ROOT], { [ROOT]: mountedRoot() })).toEqual({ ...start, because: ['group/app', 'volume/x/y', ROOT] });
    const { because: _, ...unexplained } = start as { because?: unknown } & typeof start;
    expect(plan([ROOT], { [ROOT]: mountedRoot() }, unexplained as typeof start)).toMatchObject({ because: [ROOT] });
  });

  it('is left as it is when it depends on nothing, does nothing, or nobody wants it', () => {
    expect(plan([])).toBe(start);
    expect(plan([ROOT], {}, CONVERGED)).toBe(CONVERGED);
    expect(plan([ROOT], {}, start, false)).toBe(start);
  });
});

describe('the status of a container', () => {
  const name = (spec: ContainerSpec | undefined, status: ContainerStatus | undefined, more = {}): string =>
    statusNameOf(
      WEB,
      snapshotOf({
        desired: { 'group/app': groupSpec(), ...(spec === undefined ? {} : { [WEB]: spec }), [ROOT]: rootVolume },
        observed: { 'group/app': opened(), ...(status === undefined ? {} : { [WEB]: status }), ...more },
      }),
    );
  const spec = containerSpec();
  const end = exited({ type: 'code', code: 1 });

  it.each<readonly [string, ContainerSpec | undefined, ContainerStatus | undefined]>([
    ['NONE', spec, undefined],
    ['INSTALLED', undefined, installed()],
    ['STOPPED', containerSpec({ stopped: true }), installed()],
    ['MOUNTED', spec, installed()],
    ['INSTALLED', containerSpec({ volumes: [ROOT] }), installed()],
    ['STARTING', spec, { ...installed(), phase: 'starting', run: run() } as ContainerStatus],
    ['STARTED', spec, running()],
    ['READY', spec, running({ run: run({ readyAtMs: 1 }) })],
    ['STOPPING', spec, running({ run: run({ stopRequestedAtMs: 1, readyAtMs: 1 }) })],
    ['STOPPED', undefined, end],
    ['STOPPED', containerSpec({ stopped: true, autoRecovery: recovery() }), end],
    ['RECOVERING', containerSpec({ autoRecovery: recovery() }), end],
    ['STOPPED', containerSpec({ autoRecovery: recovery() }), exited({ type: 'code', code: 0 })],
  ])('%s', (expected, wanted, status) => {
    expect(name(wanted, status)).toBe(expected);
  });

  it('is BLOCKED until its group is open', () => {
    expect(name(spec, installed(), { 'group/app': opened(0, 'old') })).toBe('BLOCKED');
    const snapshot = snapshotOf({
      desired: { 'group/app': groupSpec(), [WEB]: spec },
      observed: { [WEB]: installed() },
    });
    expect(statusNameOf(WEB, snapshot)).toBe('BLOCKED');
    expect(statusNameOf(WEB, snapshotOf({ desired: { [WEB]: spec }, observed: { [WEB]: installed() } }))).toBe(
      'MOUNTED',
    );
  });

  it('is MOUNTED with all of its volumes', () => {
    expect(name(containerSpec({ volumes: [ROOT] }), installed(), { [ROOT]: mountedRoot() })).toBe('MOUNTED');
  });
});

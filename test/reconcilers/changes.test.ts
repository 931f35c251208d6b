/** What observations say, in words, and what else differs between kinds. */
import { describe, expect, it } from 'vitest';
import type { Circumstance } from '../../reconcilers/kind-rules.ts';
import {
  changeOf,
  doneText,
  failsTrial,
  needsDependencies,
  rulesOf,
  stepText,
  whyNotReady,
} from '../../reconcilers/kinds.ts';
import type { Action } from '../../resources/action.ts';
import type { Spec, Status } from '../../resources/catalog.ts';
import type { ContainerStatus, Exit } from '../../resources/kinds/container.ts';
import type { Ref } from '../../resources/ref.ts';
import {
  containerSpec,
  exited,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  rootVolume,
  run,
  running,
  snapshotOf,
} from './given.ts';

const WEB: Ref<'container'> = 'container/web';
const ROOT: Ref<'volume'> = 'volume/web/root.squashfs';
const said = (ref: Ref, before: unknown, after: unknown, when: Circumstance): string | undefined =>
  changeOf(ref, { before: before as Status | undefined, after: after as Status | undefined, when })?.what;

describe('what becomes of a container', () => {
  const code: Exit = { type: 'code', code: 3 };
  it.each<
    readonly [string, ContainerStatus | undefined, ContainerStatus | undefined, Circumstance, string | undefined]
  >([
    ['its end', running(), exited(code), 'watching', 'ended with exit code 3'],
    ['its end, at work', running(), exited(code), 'acting', 'ended with exit code 3'],
    ['the same end again', exited(code), exited(code), 'watching', undefined],
    ['another end', exited(code), exited(code, { exitedAtMs: 2001 }), 'watching', 'ended with exit code 3'],
    ['that it runs, at the first look', undefined, running(), 'found', 'was found running and is taken over'],
    ['that it is there, at the first look', undefined, installed(), 'found', undefined],
    ['that it is ready', running(), running({ run: run({ readyAtMs: 5 }) }), 'watching', 'said that it is ready'],
    [
      'that it is ready, at work',
      running(),
      running({ run: run({ readyAtMs: 5 }) }),
      'acting',
      'said that it is ready',
    ],
    [
      'that it is ready, at once',
      installed(),
      running({ run: run({ readyAtMs: 5 }) }),
      'acting',
      'said that it is ready',
    ],
    [
      'that it still is',
      running({ run: run({ readyAtMs: 5 }) }),
      running({ run: run({ readyAtMs: 5 }) }),
      'watching',
      undefined,
    ],
    ['our own work', installed(), undefined, 'acting', undefined],
    ['that it is gone', running(), undefined, 'watching', 'is gone without a trace'],
    ['nothing', undefined, undefined, 'watching', undefined],
    ['that somebody started it', undefined, running(), 'watching', 'appeared, started by somebody else'],
    ['a freeze', running(), running({ frozen: true }), 'watching', 'was frozen by somebody else'],
    ['that it is frozen still', running({ frozen: true }), running({ frozen: true }), 'watching', undefined],
    ['its root', running(), running({ rootIntact: false }), 'watching', 'lost a directory of its root file system'],
    ['its root, again', running({ rootIntact: false }), running({ rootIntact: false }), 'watching', undefined],
    ['a start', installed(), running({ frozen: true }), 'watching', undefined],
    ['a reset', exited(code), installed(), 'watching', undefined],
  ])('is told: %s', (_, before, after, when, expected) => {
    expect(said(WEB, before, after, when)).toBe(expected);
  });

  it('is expected when it was asked for, and has its own time', () => {
    const asked = exited(code, { run: run({ stopRequestedAtMs: 1 }) });
    expect(changeOf(WEB, { before: running(), after: asked, when: 'watching' })).toMatchObject({
      expected: true,
      atMs: 2000,
    });
    expect(changeOf(WEB, { before: running(), after: exited(code), when: 'watching' })).toMatchObject({
      expected: false,
    });
    const ready = running({ run: run({ readyAtMs: 5 }) });
    expect(changeOf(WEB, { before: running(), after: ready, when: 'watching' })).toMatchObject({ expected: true });
    expect(changeOf(WEB, { before: running(), after: undefined, when: 'watching' })).toMatchObject({ expected: false });
  });
});

describe('what becomes of a volume', () => {
  it.each([
    ['its unmount', mountedRoot(), undefined, 'watching', 'was unmounted behind our back'],
    ['our own unmount', mountedRoot(), undefined, 'acting', undefined],
    ['nothing', undefined, undefined, 'watching', undefined],
    ['a mount of somebody', undefined, mountedRoot(), 'watching', 'was mounted by somebody else'],
    ['at the first look', undefined, mountedRoot(), 'found', undefined],
    ['a deletion', mountedRoot(), mountedRoot({ deleted: true }), 'watching', 'shows what was deleted'],
    ['a deletion, again', mountedRoot({ deleted: true }), mountedRoot({ deleted: true }), 'watching', undefined],
    ['another tree', mountedRoot(), mountedRoot({ identity: '0:9:/' }), 'watching', 'has something else mounted on it'],
    ['the same tree', mountedRoot(), mountedRoot({ sources: [] }), 'watching', undefined],
  ] as const)('is told: %s', (_, before, after, when, expected) => {
    expect(said(ROOT, before, after, when)).toBe(expected);
  });
});

describe('what becomes of a disk', () => {
  it.each([
    ['that it was taken off', { active: true }, { active: false }, 'watching', 'was taken off behind our back'],
    ['that it is gone', { active: true }, undefined, 'watching', 'was taken off behind our back'],
    ['our own work', { active: true }, { active: false }, 'acting', undefined],
    ['that it came up', { active: false }, { active: true }, 'watching', undefined],
    ['that it never was', undefined, { active: false }, 'watching', undefined],
  ] as const)('is told: %s', (_, before, after, when, expected) => {
    expect(said('disk/data', before, after, when)).toBe(expected);
  });
});

it('of groups and updates nothing is told that we did not do ourselves', () => {
  expect(said('group/app', opened(), undefined, 'watching')).toBeUndefined();
  expect(said('update/device', { committed: {} }, { committed: {}, trial: {} }, 'watching')).toBeUndefined();
});

describe('a trial fails', () => {
  const stalled = (ref: Ref, observed: Readonly<Record<Ref, Status>>): boolean =>
    failsTrial(ref, snapshotOf({ observed }));
  it('because of a disk, and of no group and no update', () => {
    expect([stalled('disk/data', {}), stalled('group/app', {}), stalled('update/device', {})]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('because of a volume, unless its container lives', () => {
    expect(stalled(ROOT, {})).toBe(true);
    expect(stalled(ROOT, { [WEB]: exited({ type: 'code', code: 1 }) })).toBe(true);
    expect(stalled(ROOT, { [WEB]: running() })).toBe(false);
  });

  it('because of a container, unless it ended before the trial began', () => {
    const end = exited({ type: 'code', code: 1 });
    const trial = (revision: string): Status =>
      ({
        committed: { revision: '0', hash: '' },
        failures: {},
        trial: { revision, startedAtMs: 500, fallback: '0', hash: '', interrupted: false },
      }) as Status;
    expect(stalled(WEB, { [WEB]: running() })).toBe(true);
    expect(stalled(WEB, { [WEB]: end })).toBe(false);
    expect(stalled(WEB, { [WEB]: end, 'update/device': trial('1') })).toBe(true);
  });
});

describe('what waits for a resource is told why', () => {
  const why = (ref: Ref, desired: Readonly<Record<Ref, Spec>>, observed: Readonly<Record<Ref, Status>>) =>
    whyNotReady(ref, snapshotOf({ desired, observed }));
  it.each<readonly [Ref, Spec, Status, string]>([
    [WEB, containerSpec(), running(), 'container web does not run yet'],
    [ROOT, rootVolume, mountedRoot(), 'volume web/root.squashfs is not mounted yet'],
    ['group/app', groupSpec(), opened(), 'group app is not open yet'],
  ])('%s', (ref, spec, status, expected) => {
    expect(why(ref, { [ref]: spec }, {})).toBe(expected);
    expect(why(ref, { [ref]: spec }, { [ref]: status })).toBeUndefined();
  });

  it('group/app of another revision, and disk/data', () => {
    expect(why('group/app', { 'group/app': groupSpec() }, { 'group/app': opened(0, 'old') })).toBe(
      'group app is not open yet',
    );
    expect(why('group/app', {}, { 'group/app': opened() })).toBe('group app is not open yet');
    expect(why('disk/data', {}, {})).toBe('its disk data is not up');
    expect(why('update/device', {}, {})).toBeUndefined();
  });
});

describe('dependencies', () => {
  it('of a volume are its disk, of a container what it names', () => {
    const dependsOn = (ref: Ref, spec: unknown) => rulesOf(ref).dependsOn(spec as Spec);
    expect(dependsOn(ROOT, rootVolume)).toEqual([]);
    expect(dependsOn(ROOT, { ...rootVolume, disk: 'disk/data' })).toEqual(['disk/data']);
    expect(dependsOn(WEB, containerSpec())).toEqual([]);
    expect(dependsOn(WEB, containerSpec({ dependsOn: ['disk/data'] }))).toEqual(['disk/data']);
    expect(dependsOn('group/app', groupSpec())).toEqual([]);
  });

  it('are in use from the start of a container to its end', () => {
    const uses = (status: ContainerStatus | undefined, more = {}) => {
      const spec = containerSpec({ dependsOn: ['disk/data'] });
      const snapshot = snapshotOf({ desired: { [WEB]: spec }, ...more });
      return rulesOf(WEB).uses({ ref: WEB, spec, status } as never, snapshot);
    };
    const starting = (finishedAtMs?: number) => ({
      lastActions: {
        [WEB]: {
          action: 'container.start',
          reason: '',
          startedAtMs: 0,
          ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
        },
      },
    });
    expect(uses(undefined)).toEqual([]);
    expect(uses(installed(), starting())).toEqual(['disk/data']);
    expect(uses(installed(), starting(1))).toEqual([]);
    expect(uses(running())).toEqual([]);
    expect(uses(running({ run: run({ dependsOn: ['disk/old'] }) }))).toEqual(['disk/old']);
  });

  it('are needed by the actions that use them', () => {
    expect(needsDependencies({ type: 'volume.mount', ref: ROOT, spec: rootVolume })).toBe(true);
    expect(needsDependencies({ type: 'volume.unmount', ref: ROOT, target: '' })).toBe(false);
  });
});

describe('steps and deeds in words', () => {
  it.each<readonly [object, string, string]>([
    [{ type: 'volume.mount', ref: ROOT, spec: rootVolume }, 'mount image aa… on web/root.squashfs', 'was mounted'],
    [
      { type: 'volume.mount', ref: ROOT, spec: { ...rootVolume, source: { type: 'tmpfs' } } },
      'mount an empty tmpfs on web/root.squashfs',
      'was mounted',
    ],
    [
      { type: 'volume.mount', ref: ROOT, spec: { ...rootVolume, source: { type: 'tree', path: '/x' } } },
      'bind /x on web/root.squashfs',
      'was mounted',
    ],
    [
      { type: 'volume.mount', ref: ROOT, spec: { ...rootVolume, source: { type: 'scratch', path: '/x' } } },
      'bind /x, emptied, on web/root.squashfs',
      'was mounted',
    ],
    [{ type: 'volume.unmount', ref: ROOT, target: '' }, 'unmount web/root.squashfs', 'was unmounted'],
    [{ type: 'container.halt', ref: WEB, reason: '' }, 'halt web', 'was asked to stop'],
    [{ type: 'group.open', ref: 'group/app', revision: '1' }, 'open group app', 'was opened'],
    [
      { type: 'disk.activate', ref: 'disk/d', spec: { use: { type: 'swap' } }, path: '' },
      'swap on disk d',
      'was put to use',
    ],
    [
      { type: 'disk.activate', ref: 'disk/d', spec: { use: { type: 'mount' } }, path: '' },
      'mount disk d',
      'was put to use',
    ],
    [
      { type: 'disk.deactivate', ref: 'disk/d', status: { use: { type: 'swap' } } },
      'swap off disk d',
      'was taken out of use',
    ],
    [
      { type: 'disk.deactivate', ref: 'disk/d', status: { use: { type: 'mount' } } },
      'unmount disk d',
      'was taken out of use',
    ],
    [
      { type: 'disk.format', ref: 'disk/d', spec: { name: 'd', use: { type: 'swap' } }, path: '/p' },
      'format /p as swap for disk d',
      'was formatted',
    ],
    [
      {
        type: 'disk.format',
        ref: 'disk/d',
        spec: { name: 'd', use: { type: 'mount', filesystem: 'ext4' } },
        path: '/p',
      },
      'format /p as ext4 for disk d',
      'was formatted',
    ],
    [{ type: 'disk.release', ref: 'disk/d' }, 'let go of disk d', 'was given back'],
    [
      { type: 'update.try', ref: 'update/device', revision: { revision: '2' }, fallback: '1' },
      'try 2, with 1 to fall back to',
      'is tried',
    ],
    [{ type: 'update.hold', ref: 'update/device', stage: 'none' }, 'all is well again', 'holds the device'],
    [{ type: 'update.hold', ref: 'update/device', stage: 'safe' }, 'hold the device: safe', 'holds the device'],
  ])('%j', (action, step, done) => {
    const given = action as Action;
    expect([stepText(given), doneText(given.ref, given.type)]).toEqual([step, done]);
  });

  it('of an action that only an earlier version knew are none', () => {
    expect([
      doneText(ROOT, 'volume.paint'),
      doneText(ROOT, 'toString'),
      doneText('lamp/x' as Ref, 'lamp.light'),
    ]).toEqual([undefined, undefined, undefined]);
  });
});

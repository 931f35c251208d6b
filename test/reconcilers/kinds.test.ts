/** The rules of every kind: what fails a trial, what is told of changes that nobody asked for, what waits for what. */
import { describe, expect, test } from 'vitest';
import { usersOf } from '../../reconcilers/dependencies.ts';
import { reconcilers } from '../../reconcilers/index.ts';
import type { Look } from '../../reconcilers/kind-rules.ts';
import { changeOf, doneText, failsTrial, KINDS, stepText, whyNotReady } from '../../reconcilers/kinds.ts';
import { KIND_NAMES, type Status } from '../../resources/catalog.ts';
import type { DiskSpec, DiskStatus } from '../../resources/kinds/disk.ts';
import type { UpdateStatus } from '../../resources/kinds/update.ts';
import type { Ref } from '../../resources/ref.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  planFor,
  rootVolume,
  run,
  running,
  sentence,
  snapshotOf,
} from './given.ts';

const TRIAL_SINCE_1500: UpdateStatus = {
  committed: { revision: '0', hash: 'h' },
  failures: {},
  trial: { revision: '1', hash: 'x', fallback: '0', startedAtMs: 1500, interrupted: false },
};
const DISK: DiskSpec = {
  name: 'data',
  order: 0,
  source: { type: 'directory', path: '/storage/disks/data' },
  use: { type: 'mount', target: '/run/media/data', formatOptions: [], mountFlags: [] },
};
const UP: DiskStatus = { source: DISK.source, use: DISK.use, active: true, foreign: false };
const VOLUME = 'volume/web/root.squashfs';

test('every kind has rules, in the order in which status shows kinds', () => {
  expect(Object.keys(KINDS)).toEqual(KIND_NAMES);
});

describe('a stalled resource fails a trial', () => {
  test.each<[string, Ref, Given, boolean]>([
    ['a disk', 'disk/data', {}, true],
    ['a group: its members tell who was late', 'group/app', {}, false],
    ['the update', 'update/device', {}, false],
    ['a volume whose container does not live', VOLUME, { observed: { 'container/web': installed() } }, true],
    ['a volume whose container lives on', VOLUME, { observed: { 'container/web': running() } }, false],
    ['a container that was never started', 'container/web', {}, true],
    [
      'a container that ended during the trial',
      'container/web',
      { observed: { 'container/web': exited({ type: 'code', code: 1 }), 'update/device': TRIAL_SINCE_1500 } },
      true,
    ],
    [
      'a container that ended before the trial',
      'container/web',
      {
        observed: {
          'container/web': exited({ type: 'code', code: 1 }, { exitedAtMs: 1400 }),
          'update/device': TRIAL_SINCE_1500,
        },
      },
      false,
    ],
  ])('%s: %#', (_, ref, given, expected) => {
    expect(failsTrial(ref, snapshotOf(given))).toBe(expected);
  });
});

describe('a change that nobody asked for', () => {
  const mounted = mountedRoot();
  const look = <S extends Status>(before: S | undefined, after: S | undefined, when: Look<S>['when'] = 'watching') => ({
    before,
    after,
    when,
  });
  test.each<[Ref, Look<Status>, string | undefined]>([
    [VOLUME, look(mounted, undefined), 'was unmounted behind our back'],
    [VOLUME, look(mounted, undefined, 'acting'), undefined],
    [VOLUME, look(undefined, mounted), 'was mounted by somebody else'],
    [VOLUME, look(mounted, { ...mounted, deleted: true }), 'shows what was deleted'],
    [VOLUME, look(mounted, { ...mounted, identity: 'another' }), 'has something else mounted on it'],
    [VOLUME, look(mounted, mounted), undefined],
    ['disk/data', look(UP, { ...UP, active: false }), 'was taken off behind our back'],
    ['disk/data', look(UP, undefined), 'was taken off behind our back'],
    ['disk/data', look(UP, { ...UP, active: false }, 'acting'), undefined],
    ['disk/data', look<Status>(undefined, UP), undefined],
    ['group/app', look(opened(), undefined), undefined],
    ['container/web', look(running(), exited({ type: 'signal', signal: 9 })), 'ended with signal 9'],
    ['container/web', look(running(), undefined), 'is gone without a trace'],
    ['container/web', look(undefined, running(), 'found'), 'was found running and is taken over'],
    ['container/web', look(running(), running({ frozen: true })), 'was frozen by somebody else'],
    ['container/web', look(running(), running({ frozen: true }), 'acting'), undefined],
  ])('of %s: %#', (ref, seen, what) => {
    expect(changeOf(ref, seen)?.what).toBe(what);
  });
});

describe('what depends on something', () => {
  const web = containerSpec({ dependsOn: ['disk/data'], volumes: [VOLUME] });
  const ready: Given = {
    desired: { 'container/web': web, 'disk/data': DISK, 'group/app': groupSpec(), [VOLUME]: rootVolume },
    observed: { 'container/web': installed(), 'group/app': opened(), [VOLUME]: mountedRoot(), 'disk/data': UP },
  };
  const without = (ref: Ref): Given => {
    const { [ref]: _, ...observed } = ready.observed ?? {};
    return { ...ready, observed };
  };
  test('waits until it is ready', () => {
    expect(sentence(planFor(reconcilers.container, 'container/web', without('disk/data')))).toBe(
      'waiting for disk/data: its disk data is not up',
    );
  });
  test('goes on then, because of it', () => {
    expect(planFor(reconcilers.container, 'container/web', ready)).toMatchObject({
      outcome: 'acting',
      next: { type: 'container.start' },
      because: ['group/app', VOLUME, 'disk/data'],
    });
  });
  test('is not installed, stopped or removed any later for it', () => {
    const alive = { ...without('disk/data').observed, 'container/web': running() };
    const retired: Given = { desired: {}, observed: alive };
    expect(sentence(planFor(reconcilers.container, 'container/web', retired))).toMatch(/^container\.halt/);
    const { 'container/web': _, ...fresh } = without('disk/data').observed ?? {};
    expect(sentence(planFor(reconcilers.container, 'container/web', { ...ready, observed: fresh }))).toMatch(
      /^container\.install/,
    );
  });
  test('uses what it was started with for as long as it lives', () => {
    const used = (status: Status): readonly Ref[] =>
      usersOf('disk/data', snapshotOf({ observed: { 'container/web': status } }));
    const with_ = run({ dependsOn: ['disk/data'] });
    expect(used(running({ run: with_ }))).toEqual(['container/web']);
    expect(used(running())).toEqual([]);
    expect(used(exited({ type: 'code', code: 0 }, { run: with_ }))).toEqual([]);
    expect(
      usersOf('disk/data', {
        ...snapshotOf(ready),
        lastActions: { 'container/web': { action: 'container.start', reason: '', startedAtMs: 0 } },
      }),
    ).toEqual(['container/web']);
  });
  test.each<[Ref, Given, string | undefined]>([
    ['group/app', ready, undefined],
    ['group/app', without('group/app'), 'group app is not open yet'],
    [VOLUME, ready, undefined],
    [VOLUME, without(VOLUME), `volume web/root.squashfs is not mounted yet`],
    ['container/web', ready, 'container web does not run yet'],
    ['container/web', { observed: { 'container/web': running() } }, undefined],
    ['disk/data', ready, undefined],
  ])('knows why %s is not ready: %#', (ref, given, why) => {
    expect(whyNotReady(ref, snapshotOf(given))).toBe(why);
  });
});

describe('an action in words', () => {
  test('as a step, and when it is done', () => {
    expect(stepText({ type: 'container.halt', ref: 'container/web', reason: '' })).toBe('halt web');
    expect(stepText({ type: 'volume.mount', ref: VOLUME, spec: rootVolume })).toMatch(/^mount image .*… on web\/root/);
    expect(doneText('container/web', 'container.halt')).toBe('was asked to stop');
  });
  test('is not made up for one that only another version knows', () => {
    expect(doneText('container/web', 'container.sing')).toBeUndefined();
    expect(doneText('container/web', 'toString')).toBeUndefined();
    expect(doneText('planet/mars' as Ref, 'planet.turn')).toBeUndefined();
  });
});

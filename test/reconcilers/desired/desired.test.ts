import { describe, expect, test } from 'vitest';
import {
  ALL_OPEN,
  type DesiredInputs,
  type DesiredResources,
  desiredState,
  type Gates,
} from '../../../reconcilers/desired/desired.ts';
import type { UpdateStatus } from '../../../resources/kinds/update.ts';
import { containerSpec, groupSpec, rootVolume } from '../given.ts';

const WEB = containerSpec({ roles: ['mgmt'] });
const DB = containerSpec({ name: 'db', roles: [] });
const RESOURCES: DesiredResources = {
  'container/web': WEB,
  'container/db': DB,
  'volume/web/root.squashfs': rootVolume,
  'volume/db/root.squashfs': { ...rootVolume, owner: 'container/db' },
  'group/app': groupSpec({ members: ['container/web', 'container/db'] }),
};
const BASE: UpdateStatus = { committed: { revision: '1', hash: 'h1' }, failures: {} };
const TRYING: UpdateStatus = {
  ...BASE,
  trial: { revision: '2', hash: 'h2', fallback: '1', startedAtMs: 0, interrupted: false },
};
const PROPOSAL = { revision: '2', hash: 'h2' };

const given = (changes: Partial<DesiredInputs> = {}): DesiredInputs => ({
  gates: ALL_OPEN,
  shuttingDown: false,
  update: BASE,
  proposal: undefined,
  intents: {},
  compiled: (revision) => ({ revision, desired: RESOURCES }),
  faultOf: () => undefined,
  ...changes,
});
/** What is desired, by revision; or why it stays as it is. */
const answer = (changes: Partial<DesiredInputs>): string => {
  const next = desiredState(given(changes));
  return next.is === 'unchanged' ? `unchanged: ${next.why}` : `${next.is} ${next.revision}`;
};
const closed = (gate: keyof Gates): Gates => ({ ...ALL_OPEN, [gate]: false });
const lifeline = (stage: 'verifying' | 'factory' | 'safe') => ({ stage, reason: 'r', factoryUsable: true, sinceMs: 0 });

test.each<[string, Partial<DesiredInputs>, string]>([
  ['the committed revision', {}, 'revision 1'],
  ['the revision on trial', { update: TRYING }, 'revision 2'],
  [
    'the committed revision, after a trial that was interrupted',
    { update: { ...TRYING, trial: { ...TRYING.trial, interrupted: true } as NonNullable<UpdateStatus['trial']> } },
    'revision 1',
  ],
  [
    'the committed revision, while it proves itself',
    { update: { ...BASE, lifeline: lifeline('verifying') } },
    'revision 1',
  ],
  ['revision 0, as the last resort but one', { update: { ...BASE, lifeline: lifeline('factory') } }, 'revision 0'],
  ['the committed revision, in safe mode', { update: { ...BASE, lifeline: lifeline('safe') } }, 'revision 1'],
  ['nothing, before a reboot', { update: { ...TRYING, rebooting: 'r' } }, 'nothing (rebooting)'],
  ['nothing, at the end of the daemon', { shuttingDown: true }, 'nothing (shutting down)'],
  [
    'nothing, at the end of a daemon that has read nothing yet',
    { shuttingDown: true, update: undefined },
    'nothing (shutting down)',
  ],
  ['no change before the storage was read', { update: undefined }, 'unchanged: the storage was not read yet'],
  [
    'no change before everything was seen',
    { gates: closed('observed') },
    'unchanged: not everything on the device was looked at yet',
  ],
  ['no change before verification', { gates: closed('verified') }, 'unchanged: the storage was not verified yet'],
  [
    'no change before the control socket answers',
    { gates: closed('serving') },
    'unchanged: the control socket does not answer yet',
  ],
  [
    'nothing before a reboot, whatever gate is closed',
    { gates: closed('observed'), update: { ...BASE, rebooting: 'r' } },
    'nothing (rebooting)',
  ],
  [
    'no change for a trial that is damaged',
    { update: TRYING, faultOf: (revision) => (revision === '2' ? 'an object is missing' : undefined) },
    'unchanged: 2 is damaged: an object is missing',
  ],
  ['the committed revision though it is damaged', { faultOf: () => 'an object is missing' }, 'revision 1'],
  [
    'no change for a document that cannot be read',
    { update: { ...BASE, unreadable: 'not JSON' } },
    'unchanged: 1 cannot be read: not JSON',
  ],
  ['no change before the document was read', { compiled: () => undefined }, 'unchanged: 1 was not read yet'],
])('the device should be %s', (_, changes, expected) => {
  expect(answer(changes)).toBe(expected);
});

const resourcesOf = (changes: Partial<DesiredInputs>): DesiredResources => {
  const next = desiredState(given(changes));
  return next.is === 'unchanged' ? {} : next.desired;
};

describe('the resources', () => {
  test('are those of the revision, and the proposal', () => {
    expect(resourcesOf({ proposal: PROPOSAL })).toEqual({ ...RESOURCES, 'update/device': PROPOSAL });
    expect(resourcesOf({})).toEqual(RESOURCES);
  });

  test('keep their identity, unless an operator wants something of them', () => {
    const desired = resourcesOf({ intents: { web: { stopped: true, generation: 3 } } });
    expect(desired['container/web']).toEqual({ ...WEB, stopped: true, generation: 3 });
    expect(desired['container/db']).toBe(DB);
  });

  test('of containers that are not part of the revision are not made up by an intent', () => {
    expect(resourcesOf({ intents: { other: { stopped: true, generation: 1 } } })).toEqual(RESOURCES);
  });

  test('in safe mode are containers with role mgmt and what they need', () => {
    const desired = resourcesOf({ update: { ...BASE, lifeline: lifeline('safe') }, proposal: PROPOSAL });
    const held = Object.entries(desired).flatMap(([ref, spec]) => ('heldBack' in spec ? [[ref, spec.heldBack]] : []));
    expect(held).toEqual([['container/db', 'safe mode: only containers with role mgmt run']]);
    expect(
      Object.keys(desired)
        .filter((ref) => !ref.startsWith('container/'))
        .sort(),
    ).toEqual(['group/app', 'update/device', 'volume/web/root.squashfs']);
    expect(desired['group/app']).toMatchObject({ members: ['container/web'], revision: '1@aaa (safe mode)' });
  });

  test('before a reboot are the proposal only', () => {
    const update = { ...BASE, rebooting: 'r' };
    expect(resourcesOf({ update, proposal: PROPOSAL })).toEqual({ 'update/device': PROPOSAL });
    expect(resourcesOf({ update, proposal: PROPOSAL, shuttingDown: true })).toEqual({});
  });

  test('that a trial changes are started, unless an operator stopped them during the trial', () => {
    const update = { ...TRYING, trial: { ...TRYING.trial, startedAtMs: 100 } as NonNullable<UpdateStatus['trial']> };
    const compiled = (revision: string) => ({
      revision,
      desired: revision === '2' ? { ...RESOURCES, 'container/web': { ...WEB, definition: 'changed' } } : RESOURCES,
    });
    const stoppedWith = (givenAtMs?: number): unknown[] => {
      const intent = { stopped: true, generation: 0, ...(givenAtMs === undefined ? {} : { givenAtMs }) };
      const desired = resourcesOf({ update, compiled, intents: { web: intent, db: intent } });
      return [desired['container/web'], desired['container/db']].map((spec) => (spec as typeof WEB).stopped);
    };
    expect(stoppedWith()).toEqual([false, true]);
    expect(stoppedWith(99)).toEqual([false, true]);
    expect(stoppedWith(100)).toEqual([true, true]);
  });
});

test('while the committed revision cannot be read, something else may still be tried', () => {
  const proposal = { revision: '2', hash: 'h2' };
  const update = { ...BASE, unreadable: 'not JSON' };
  expect(desiredState(given({ update, proposal }))).toMatchObject({ is: 'unchanged', proposal });
  expect(desiredState(given({ update }))).not.toHaveProperty('proposal');
  expect(desiredState(given({ update: { ...TRYING, unreadable: 'not JSON' }, proposal }))).not.toHaveProperty(
    'proposal',
  );
});

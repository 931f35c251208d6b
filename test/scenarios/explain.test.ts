/** What `explain` says afterwards: for everything that happened to a resource, what brought it about. */
import { describe, expect, it } from 'vitest';
import type { Ref } from '../../resources/ref.ts';
import { explainResource } from '../../runtime/device/explain-resource.ts';
import { chainOf } from '../../runtime/history/explanation.ts';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig, type RigOptions } from './rig.ts';
import { settled } from './settled.ts';

const recovery = { policy: 'always', max_retries: 3, retry_delay: 2 };
const one = aState().container('web', { auto_recovery: recovery });
const other = one.object('web/root.squashfs', 'another root of web');

const running = async (options: RigOptions = {}): Promise<Rig> => {
  const rig = await aRig(options);
  expect(await rig.run(one, 'locals/1')).toBe('DONE');
  await rig.rest();
  return rig;
};

/** From the last thing that happened to a resource to its first cause. */
const lastChain = async (rig: Rig, ref: Ref): Promise<readonly string[]> => {
  const [deed] = await settled(rig.host, rig.device.history.deedsOf(ref));
  return deed === undefined ? [] : chainOf(deed);
};

/** How every chain ends that goes back to the first revision. */
const PROPOSED = [
  'the device is to be locals/1',
  'locals/1 is tried: locals/1 was proposed',
  'locals/1 was proposed by somebody',
];
const STARTED = [
  'container web was started: its goal is STARTED',
  'volume web/lxc-overlay was mounted: its container needs it',
];
const INSTALLED = 'container web was installed: it is part of the revision';
/** A first start opens two groups, which on this device takes longer than mounting: what came last is the cause. */
const FIRST_STARTED = [
  'container web was started: its goal is STARTED',
  'group root was opened: all earlier groups are done',
  'group data was opened: all earlier groups are done',
];

describe('explaining a container', () => {
  it('that was started', async () => {
    const rig = await running();
    expect(await lastChain(rig, 'container/web')).toEqual([...FIRST_STARTED, ...PROPOSED]);
    await expectIdle(rig);
  });

  it('that crashed and recovered', async () => {
    const rig = await running();
    rig.host.mischief.kill('web');
    await rig.host.settle();
    await rig.rest();
    expect(await lastChain(rig, 'container/web')).toEqual([
      ...STARTED,
      "container web was made ready to start again: it ended with signal 9; retry 1 of 3 by policy 'always'",
      'container web ended with signal 9',
    ]);
    await expectIdle(rig);
  });

  it('that was changed by an update', async () => {
    const rig = await running();
    expect(await rig.run(other, 'locals/2')).toBe('DONE');
    expect(await lastChain(rig, 'container/web')).toEqual([
      ...STARTED,
      INSTALLED,
      'container web was removed: its definition changed in revision locals/2',
      'container web ended with exit code 0',
      'container web was asked to stop: its definition changed in revision locals/2',
      'the device is to be locals/2',
      'locals/2 is tried: locals/2 was proposed',
      'locals/2 was proposed by somebody',
    ]);
  });

  it('that an operator stopped', async () => {
    const rig = await running();
    await rig.control('web', 'stop');
    await rig.rest();
    expect(await lastChain(rig, 'container/web')).toEqual([
      'container web ended with exit code 0',
      'container web was asked to stop: the operator stopped it',
      'the operator asked to stop container web',
    ]);
  });

  it('that was stopped because of its volume, by what happened to that', async () => {
    const rig = await running();
    rig.host.mischief.unmount('/volumes/web/lxc-overlay');
    await rig.host.settle();
    await rig.rest();
    const deeds = await settled(rig.host, rig.device.history.deedsOf('container/web'));
    const halted = deeds.flatMap(everything).find(({ sentence }) => sentence.includes('was asked to stop'));
    expect(halted && chainOf(halted)).toEqual([
      'container web was asked to stop: volume/web/lxc-overlay is not what it was started with',
      'volume web/lxc-overlay was mounted: it was unmounted behind our back',
      'volume web/lxc-overlay was unmounted behind our back',
    ]);
  });

  it('that a daemon found running when it started again, and what was before', async () => {
    const rig = await running();
    const next = await rig.restarted();
    await next.rest();
    const deeds = await settled(next.host, next.device.history.deedsOf('container/web'));
    expect(deeds.map(chainOf)).toEqual([
      [
        'container web was found running and is taken over',
        'the daemon started: again; the one before ended without a word',
      ],
      [...FIRST_STARTED, ...PROPOSED],
    ]);
  });

  it('that ended while no daemon ran', async () => {
    const rig = await running();
    await rig.device.history.flush();
    rig.host.crash();
    rig.host.mischief.kill('web');
    const next = await rig.restarted();
    await next.rest();
    expect(await lastChain(next, 'container/web')).toEqual([
      ...STARTED,
      "container web was made ready to start again: it ended with signal 9; retry 1 of 3 by policy 'always'",
      'container web ended with signal 9',
    ]);
  });

  it('that was started after a power cut, and why it was before', async () => {
    const rig = await running();
    await settled(rig.host, rig.device.history.flush());
    const next = await rig.afterPowerCut();
    await next.rest();
    const deeds = await settled(next.host, next.device.history.deedsOf('container/web'));
    expect(deeds.map(chainOf)).toEqual([
      [
        ...FIRST_STARTED,
        'the device is to be locals/1',
        'the daemon started: the device was booted; the one before ended without a word',
      ],
      [...FIRST_STARTED, ...PROPOSED.with(0, 'the device is to be locals/1')],
    ]);
  });

  it('that nobody wants any more', async () => {
    const rig = await running();
    expect(await rig.run(aState(), 'locals/2')).toBe('DONE');
    const explained = await settled(rig.host, explainResource(rig.device, 'container', 'web'));
    expect(explained?.now).toBe('is not there, and nobody wants it');
    expect(explained?.deeds[0]?.sentence).toBe('container web was removed: it is not part of the revision');
    expect(await settled(rig.host, explainResource(rig.device, 'container', 'nobody'))).toBeUndefined();
    expect(await settled(rig.host, explainResource(rig.device, 'toString', 'web'))).toBeUndefined();
  });

  it('that waits', async () => {
    const rig = await aRig();
    const gated = aState().group({ name: 'first', timeout: 60 }).group({ name: 'then' });
    rig.behaviour('sensor', { readyAfterMs: 20_000 });
    await rig.propose(
      gated.container('sensor', { group: 'first', status_goal: 'READY' }).container('web', { group: 'then' }),
      'locals/1',
    );
    await rig.until(() => rig.statusOf('sensor') === 'STARTED');
    await rig.host.advance(5_000);
    const waiting = await settled(rig.host, explainResource(rig.device, 'container', 'web'));
    expect(waiting?.now).toBe('waits for group then: group then is not open yet');
    expect(waiting?.deeds[0]?.sentence).toBe('container web waits: group then is not open yet');
    const group = await settled(rig.host, explainResource(rig.device, 'group', 'then'));
    expect(group?.now).toBe('waits for group first: earlier groups come first');

    await rig.rest();
    expect((await lastChain(rig, 'container/web')).slice(0, 3)).toEqual([
      'container web was started: its goal is STARTED',
      'group then was opened: all earlier groups are done',
      'group first is as it should be',
    ]);
  });
});

describe('explaining a rollback', () => {
  it('leads to the group, and to the container that never became ready', async () => {
    const rig = await running();
    const never = other.with('groups.json', undefined).container('web', { status_goal: 'READY' });
    expect(await rig.run(never, 'locals/2')).toMatch(/^ERROR Status goal not reached/);
    const deed = await rollBackOf(rig);
    expect(deed && chainOf(deed).slice(0, 5)).toEqual([
      'locals/2 was rolled back: Status goal not reached: web is STARTED, its goal is READY',
      'group root is stalled: not reached in 30 s: web is STARTED, its goal is READY',
      'container web was started: its goal is READY',
      'volume web/lxc-overlay was mounted: its container needs it',
      'container web was installed: it is part of the revision',
    ]);
    expect(deed && chainOf(deed).at(-1)).toBe('locals/2 was proposed by somebody');
    await rig.rest();
    const restored = await lastChain(rig, 'container/web');
    expect(restored).toContain('the device is to be locals/1');
    expect(restored).toContain(deed?.sentence);
    expect(restored.at(-1)).toBe('locals/2 was proposed by somebody');
  });

  it('names the power cut that interrupted the trial', async () => {
    const rig = await running({ commitDelaySeconds: 30 });
    await rig.propose(other, 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    const next = await rig.afterPowerCut();
    await next.rest();
    const deed = await rollBackOf(next);
    expect(deed && chainOf(deed)).toEqual([
      'locals/2 was rolled back: Unexpected rollback: the daemon ended during the trial',
      'the daemon started: the device was booted; the one before ended without a word',
    ]);
    expect(deed?.because.map(({ sentence }) => sentence)).toContain('locals/2 is tested: all goals are reached');
  });
});

describe('explaining what a boot brought about', () => {
  const apps = one.group({ name: 'apps', timeout: 30 });
  const slower = one.group({ name: 'apps', timeout: 40 });
  const CHANGED = 'groups.json changed and belongs to no container';
  const BOOTED = (why: string): readonly string[] => [
    'the daemon started: the device was booted',
    `the daemon stops everything: the device boots anew: ${why}`,
  ];
  const booted = async (): Promise<Rig> => {
    const rig = await aRig({ rebootTransitions: true });
    await rig.propose(apps, 'locals/1');
    const next = await rig.rebooted();
    await next.until(() => next.update().committed.revision === 'locals/1');
    await next.rest();
    return next;
  };

  it('leads through it to the proposal that needed it', async () => {
    const rig = await booted();
    await rig.propose(slower, 'locals/2');
    const next = await rig.rebooted();
    await next.until(() => next.update().committed.revision === 'locals/2');
    expect(await lastChain(next, 'container/web')).toEqual([
      ...STARTED,
      INSTALLED,
      'the device is to be locals/2',
      ...BOOTED(CHANGED),
      'locals/2 is tried: locals/2 was proposed',
      'locals/2 was proposed by somebody',
    ]);
  });

  it('leads through it to the rollback that needed it', async () => {
    const rig = await booted();
    await rig.propose(slower, 'locals/2');
    let starts = 0;
    rig.behaviour('web', () => {
      starts += 1;
      return starts <= 3 ? { failsToStart: 'no init' } : {};
    });
    const trying = await rig.rebooted();
    const back = await trying.rebooted();
    await back.rest();
    const chain = await lastChain(back, 'container/web');
    expect(chain).toContain('the daemon started: the device was booted');
    expect(chain.join('\n')).toContain(
      'the device boots anew: locals/2 was rolled back: A container could not be started\nlocals/2 was rolled back: ',
    );
    expect(chain.at(-1)).toBe('locals/2 was proposed by somebody');
  });

  it('leads through it to the operator who asked for it', async () => {
    const rig = await booted();
    await settled(rig.host, rig.device.reboot('a reboot'));
    const next = await rig.rebooted();
    await next.rest();
    expect(await lastChain(next, 'container/web')).toEqual([
      ...STARTED,
      INSTALLED,
      'the device is to be locals/1',
      ...BOOTED('a reboot'),
      'the operator asked to reboot the device',
    ]);
  });
});

const rollBackOf = async (rig: Rig): Promise<Deed | undefined> => {
  const deeds = await settled(rig.host, rig.device.history.deedsOf('update/device'));
  return deeds.flatMap(everything).find(({ sentence }) => sentence.includes('was rolled back'));
};

type Deed = Awaited<ReturnType<Rig['device']['history']['deedsOf']>>[number];
const everything = (deed: Deed): readonly Deed[] => [deed, ...deed.because.flatMap(everything)];

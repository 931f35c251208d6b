/** What the history keeps of revisions: across crashes at any moment, on a bad disk, and without a write too many. */
import { describe, expect, it } from 'vitest';
import { doneText } from '../../reconcilers/kinds.ts';
import { sentenceOf } from '../../runtime/history/entry-sentence.ts';
import type { RevisionRecord } from '../../runtime/history/revision-record.ts';
import { DeviceError } from '../../runtime/host/host.ts';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';
import { DaemonDied, settled } from './settled.ts';

const one = aState().container('web');
const good = one.object('web/root.squashfs', 'another root of web');
const bad = good.container('web', { status_goal: 'READY' });

const recordsOf = (rig: Rig): Promise<readonly RevisionRecord[]> => settled(rig.host, rig.device.history.revisions());
const outcomes = async (rig: Rig): Promise<readonly string[]> =>
  (await recordsOf(rig)).map(({ revision, outcome }) => `${revision} ${outcome}`);
const appendsOf = (rig: Rig): number => rig.host.trace.filter(({ name }) => name === 'append').length;

describe('the history of a device', () => {
  it('tells every revision with its times', async () => {
    const rig = await aRig({ goalsTimeoutSeconds: 20 });
    await rig.run(one, 'locals/1');
    await rig.run(bad, 'locals/2');
    await rig.rest();
    const [second, first] = await recordsOf(rig);
    expect(first).toMatchObject({
      revision: 'locals/1',
      from: 'somebody',
      outcome: 'committed',
      reason: 'it stayed stable',
      phases: { waitingMs: 0, startingMs: 20, testingMs: 5_000 },
    });
    expect(second).toMatchObject({
      revision: 'locals/2',
      outcome: 'given-up',
      reason: 'Status goal not reached: web is STARTED, its goal is READY',
      phases: { testingMs: null },
    });
    await expectIdle(rig);
  });

  it('is the same after a power cut, and begins with what was there', async () => {
    const rig = await aRig();
    await rig.run(one, 'locals/1');
    const next = await rig.afterPowerCut();
    await next.rest();
    expect(await outcomes(next)).toEqual(['locals/1 committed', '0 committed']);
  });

  it('has every word over a reboot, and why the device was booted', async () => {
    const rig = await aRig({ rebootTransitions: true });
    await rig.propose(one.group({ name: 'apps' }), 'locals/1');
    const next = await rig.rebooted();
    await next.until(() => next.update().committed.revision === 'locals/1');
    await next.rest();
    await next.propose(one.group({ name: 'apps', timeout: 9 }), 'locals/2');
    const last = await next.rebooted();
    const said = (await settled(last.host, last.device.history.entries())).map((entry) => sentenceOf(entry, doneText));
    const taken = said.indexOf(said.findLast((line) => line.startsWith('container web was removed')) ?? '');
    expect(taken).toBeGreaterThan(0);
    const stopped =
      'the daemon stops everything: the device boots anew: groups.json changed and belongs to no container';
    expect(said.slice(taken + 1)).toContain(stopped);
    expect(said.slice(said.lastIndexOf(stopped) + 1)).toContain('the daemon started: the device was booted');
    expect(said.join()).not.toContain('ended without a word');
  });

  it('boots all the same when the history cannot be written', async () => {
    const rig = await aRig({ rebootTransitions: true });
    rig.host.faults = { before: ({ subject }) => (subject.includes('cache/history') ? 'hang' : undefined) };
    await rig.propose(one.group({ name: 'apps' }), 'locals/1');
    rig.host.faults = {};
    const next = await rig.rebooted();
    await next.until(() => next.update().committed.revision === 'locals/1');
  });

  it('costs a few appends for fifty containers', async () => {
    const rig = await aRig();
    let many = aState();
    for (let at = 0; at < 50; at++) many = many.container(`c${at}`);
    const before = appendsOf(rig);
    expect(await rig.run(many, 'locals/1')).toBe('DONE');
    expect((await settled(rig.host, rig.device.history.entries())).length).toBeGreaterThan(200);
    expect(appendsOf(rig) - before).toBeLessThanOrEqual(12);
  });

  it('does not grow while an action is refused for ever', { timeout: 60_000 }, async () => {
    const rig = await aRig();
    await rig.run(one, 'locals/1');
    rig.host.behaviour('web', { failsToStart: 'no init' });
    rig.host.mischief.kill('web');
    await rig.host.advance(24 * 3_600_000);
    const entries = await settled(rig.host, rig.device.history.entries());
    const refusals = entries.filter(({ kind }) => kind === 'failed').length;
    expect(rig.device.loop.latest().failures['container/web']?.attempts).toBeGreaterThan(1_000);
    expect(refusals).toBeGreaterThan(5);
    expect(refusals).toBeLessThan(20);
  });

  it.each(['ENOSPC', 'EROFS', 'EIO'])(
    'does not keep an update from going on when writing it fails: %s',
    async (code) => {
      const rig = await aRig();
      rig.host.faults = {
        before: ({ subject }) =>
          subject.includes('cache/history') ? new DeviceError('append', subject, code) : undefined,
      };
      expect(await rig.run(one, 'locals/1')).toBe('DONE');
      await expectIdle(rig);
      rig.host.faults = {};
      expect(await outcomes(rig)).toEqual(['locals/1 committed', '0 committed']);
    },
  );

  it('starts on a storage whose history cannot be read', async () => {
    const rig = await aRig();
    await rig.run(one, 'locals/1');
    rig.host.faults = {
      before: ({ subject }) =>
        subject.includes('cache/history') ? new DeviceError('read', subject, 'EIO') : undefined,
    };
    const next = await rig.restarted();
    await next.rest();
    expect(next.statusOf('web')).toBe('STARTED');
  });
});

/** Dies at the n-th operation after the proposal; undefined: there was none so late. */
const dieAt = async (point: number, state: typeof good): Promise<Rig | undefined> => {
  const rig = await aRig({ commitDelaySeconds: 0, goalsTimeoutSeconds: 5 });
  await rig.run(one, 'locals/1');
  await rig.rest();
  let left = point;
  rig.host.faults = { before: () => (left-- === 0 ? 'tear' : undefined) };
  try {
    await rig.run(state, 'locals/2');
    await rig.rest();
    await rig.until(() => rig.device.history.isQuiet);
    return undefined;
  } catch (error) {
    if (!(error instanceof DaemonDied)) throw error;
    rig.host.faults = {};
    return point % 2 === 0 ? rig.restarted() : rig.afterPowerCut();
  }
};

describe.each([
  ['is committed', good],
  ['is rolled back', bad],
])('a daemon that dies at any moment while a revision %s', (_, state) => {
  it('leaves a history that tells what became of it', { timeout: 120_000 }, async () => {
    let point = 0;
    for (let rig = await dieAt(point, state); rig !== undefined; rig = await dieAt(point, state)) {
      await rig.rest();
      const { committed, failures } = rig.update();
      const records = await recordsOf(rig);
      const about = `operation ${point}: ${JSON.stringify(records)}`;
      expect(records.find(({ outcome }) => outcome === 'committed')?.revision, about).toBe(committed.revision);
      const failure = failures['locals/2'];
      const given = records.find(({ revision, outcome }) => revision === 'locals/2' && outcome === 'given-up');
      expect(given?.reason, about).toBe(failure && `${failure.message}: ${failure.detail}`);
      const ids = (await settled(rig.host, rig.device.history.entries())).map(({ id }) => id);
      expect(new Set(ids).size, about).toBe(ids.length);
      point += 1;
    }
    expect(point).toBeGreaterThan(60);
  });
});

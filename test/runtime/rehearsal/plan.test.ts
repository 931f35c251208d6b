import { describe, expect, it } from 'vitest';
import { type ProposedState, planFor } from '../../../runtime/rehearsal/plan-for.ts';
import { failureIn, isNothingToDo, type PlanReport } from '../../../runtime/rehearsal/plan-report.ts';
import { renderPlan } from '../../../runtime/rehearsal/plan-text.ts';
import type { LookUp } from '../../../runtime/rehearsal/present.ts';
import { EMPTY_DEVICE } from '../../../runtime/rehearsal/present-of-storage.ts';
import { aRig, type Rig } from '../../scenarios/rig.ts';
import { aState, type StateBuilder } from '../../state-builder.ts';
import { knowledgeOf, presentOf } from './compared.ts';

const two = aState().group({ name: 'all' }).container('a').container('b');

const proposed = (state: StateBuilder, objects: ReadonlyMap<string, number> = new Map()): ProposedState => ({
  name: 'next',
  document: state.toBytes(),
  objects,
});

/** Everything that the state names comes along, 10 bytes each. */
const sizesIn = (state: StateBuilder): ReadonlyMap<string, number> =>
  new Map(Object.values(state.toValue()).flatMap((value) => (typeof value === 'string' ? [[value, 10] as const] : [])));

const running = async (): Promise<Rig> => {
  const rig = await aRig();
  expect(await rig.run(two, 'locals/one')).toBe('DONE');
  await rig.rest();
  return rig;
};

const planOn = async (rig: Rig, state: StateBuilder, objects?: ReadonlyMap<string, number>): Promise<PlanReport> => {
  const knowledge = await knowledgeOf(rig, state);
  return planFor(await presentOf(rig), async () => knowledge, proposed(state, objects));
};

describe('a plan', () => {
  it('tells which containers are touched, and that no reboot is needed', async () => {
    const next = two.object('b/extra').container('c');
    const plan = await planOn(await running(), next, sizesIn(next));
    expect(plan.containers).toEqual({ stopped: [], started: ['c'], restarted: ['b'], untouched: ['a'] });
    expect(plan.reboot).toEqual({ needed: false, causes: [] });
    expect(plan.objects).toMatchObject({ neededBytes: 30, absent: [] });
    expect(plan.fallback).toBe('locals/one');
    expect(failureIn(plan)).toBeUndefined();
    expect(renderPlan(plan)).toMatch(
      /\+ c\/run\.json[\s\S]*restarted {2}b\n[\s\S]*reboot: no[\s\S]*committed as locals\/next$/,
    );
  });

  it('tells why Pantavisor would reboot', async () => {
    const plan = await planOn(
      await running(),
      aState().group({ name: 'all', timeout: 9 }).container('a').container('b'),
    );
    expect(plan.reboot).toEqual({
      needed: true,
      causes: [{ path: 'groups.json', reason: 'groups.json changed and belongs to no container' }],
    });
    expect(plan.containers).toMatchObject({ restarted: ['a', 'b'], untouched: [] });
    expect(renderPlan(plan)).toContain('+ [all].timeout: 9');
  });

  it('says that there is nothing to do for what is there already', async () => {
    const rig = await running();
    const knowledge = await knowledgeOf(rig, two);
    const plan = await planFor(await presentOf(rig), async () => knowledge, proposed(two));
    expect(isNothingToDo(plan)).toBe(true);
    expect(renderPlan(plan)).toMatch(/^nothing to do: locals\/one/);
  });

  it('says which objects nobody has', async () => {
    const plan = await planOn(await running(), two.object('b/extra'));
    expect(plan.objects.absent).toHaveLength(1);
    expect(failureIn(plan)).toBe('1 object is neither in the store nor brought along');
  });

  it("says that the disk is too small, in Pantavisor's words", async () => {
    const next = two.object('b/extra');
    const id = next.toValue()['b/extra'] as string;
    const plan = await planOn(await running(), next, new Map([[id, 2 ** 50]]));
    expect(failureIn(plan)).toMatch(/^Space required 1125899906842624 B, available \d+ B$/);
  });

  it('says that a container can never start', async () => {
    const next = two.container('c', { type: 'docker' });
    const plan = await planOn(await running(), next, sizesIn(next));
    expect(plan.ending.type).toBe('given-up');
    expect(failureIn(plan)).toMatch(/^it would be rolled back: .*docker/);
  });

  it('refuses what is no state, with every problem', async () => {
    const broken = two.container('c', { group: 'nope', status_goal: 'RUNNING' });
    await expect(planOn(await running(), broken)).rejects.toThrow(/RUNNING[\s\S]*nope|nope[\s\S]*RUNNING/);
  });

  it('leaves the device as it is', async () => {
    const rig = await running();
    rig.newLog();
    await planOn(rig, two.object('b/extra'));
    expect(rig.newLog()).toEqual([]);
    expect(rig.update().committed.revision).toBe('locals/one');
  });
});

it('an empty device gets everything', async () => {
  const known: LookUp = async ({ objects }) => ({
    sizes: new Map(objects.map((id) => [id, 1])),
    texts: new Map(),
    disks: new Map(),
  });
  const plan = await planFor(EMPTY_DEVICE.present, known, proposed(aState().container('os')));
  expect(plan).toMatchObject({ against: 'empty', from: '0', containers: { started: ['os'] } });
  expect(failureIn(plan)).toBeUndefined();
});

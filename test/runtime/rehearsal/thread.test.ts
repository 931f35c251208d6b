import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { planFor } from '../../../runtime/rehearsal/plan-for.ts';
import { planInThread } from '../../../runtime/rehearsal/planner.ts';
import type { LookUp, Question } from '../../../runtime/rehearsal/present.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';
import { aState } from '../../state-builder.ts';
import { compared, knowledgeOf, presentOf } from './compared.ts';

const one = aState().group({ name: 'all' }).container('a');
const two = one.container('b');

const running = async () => {
  const device = await compared();
  await device.run(one, 'locals/1');
  const present = await presentOf(device.rig());
  const knowledge = await knowledgeOf(device.rig(), two);
  const lookUp: LookUp = async () => knowledge;
  return { present, lookUp };
};

describe('the thread in which plans are made', () => {
  it('tells what would be told without it', async () => {
    const { present, lookUp } = await running();
    const document = two.toBytes();
    const questions: Question[] = [];
    const text = await planInThread({ present, document }, async (question) => {
      questions.push(question);
      return lookUp(question);
    });
    const here = await planFor(present, lookUp, { document, objects: new Map() });
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(here)));
    expect(JSON.parse(text).containers).toEqual({ stopped: [], started: ['b'], restarted: [], untouched: ['a'] });
    expect(questions).toHaveLength(1);
  });

  it('tells what is about to happen anyway', async () => {
    const { present, lookUp } = await running();
    const report = JSON.parse(await planInThread({ present, document: undefined }, lookUp));
    expect(report).toMatchObject({ to: 'locals/1', steps: [], ending: { type: 'at-rest' } });
  });

  it('refuses what is no state, with every problem', async () => {
    const { present, lookUp } = await running();
    const document = Buffer.from('{"#spec":"x","../a":"b"}');
    const failing = planInThread({ present, document }, lookUp);
    await expect(failing).rejects.toThrow(Rejection);
    await expect(failing).rejects.toThrow(/#spec[\s\S]*\.\.\/a|\.\.\/a[\s\S]*#spec/);
  });

  it('ends with what could not be looked up', async () => {
    const { present } = await running();
    const failing = planInThread({ present, document: two.toBytes() }, () => Promise.reject(new Error('no disk')));
    await expect(failing).rejects.toThrow('no disk');
  });

  it('is ended when it takes too long', async () => {
    const { present } = await running();
    const never: LookUp = () => Promise.withResolvers<never>().promise;
    const failing = planInThread({ present, document: two.toBytes() }, never, 50);
    await expect(failing).rejects.toThrow('expected a state that can be rehearsed in 0.05 s, but it takes longer');
  });

  it.each(['plan', 'state'])('loads nothing that touches a machine: %s', async (name) => {
    const loaded = new Set<string>();
    const visit = async (file: URL): Promise<void> => {
      if (loaded.has(file.href)) return;
      loaded.add(file.href);
      for (const [, path = ''] of (await readFile(file, 'utf8')).matchAll(
        /^(?:import|export)(?! type)[^;]*? from '(.*?)';$/gms,
      )) {
        if (path.startsWith('.')) await visit(new URL(path, file));
        else loaded.add(path);
      }
    };
    await visit(new URL(`../../../runtime/threads/${name}.ts`, import.meta.url));
    expect([...loaded].some((file) => file.endsWith('/simulated/simulated.ts'))).toBe(name === 'plan');
    expect([...loaded].filter((file) => /host\/linux|^ffi-rs$|^node:(fs|net|child_process)/.test(file))).toEqual([]);
  });
});

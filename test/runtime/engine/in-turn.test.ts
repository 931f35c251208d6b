import { expect, it } from 'vitest';
import { inTurn } from '../../../runtime/engine/in-turn.ts';

it('begins each piece of work when the one before has ended, however it ended', async () => {
  const turn = inTurn();
  const log: string[] = [];
  const work = (name: string, result: () => Promise<unknown>) => async () => {
    log.push(`${name} begins`);
    await result();
    log.push(`${name} ends`);
    return name;
  };
  const first = Promise.withResolvers<void>();
  const [one, two, three] = [
    turn(work('one', () => first.promise)),
    turn(work('two', () => Promise.reject(new Error('no')))),
    turn(work('three', async () => undefined)),
  ];
  const failed = expect(two).rejects.toThrow('no');
  await new Promise(setImmediate);
  expect(log).toEqual(['one begins']);
  first.resolve();
  await failed;
  expect([await one, await three]).toEqual(['one', 'three']);
  expect(log).toEqual(['one begins', 'one ends', 'two begins', 'three begins', 'three ends']);
});

import { BehaviorSubject } from 'rxjs';
import { expect, test } from 'vitest';
import type { UpdateStatus } from '../../../resources/kinds/update.ts';
import type { Proposal } from '../../../resources/proposal.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import { openArbiter } from '../../../runtime/device/arbiter.ts';

const A = { revision: 'locals/a', hash: 'ha' };
const B = { revision: 'locals/b', hash: 'hb' };
const BASE: UpdateStatus = { committed: { revision: '0', hash: 'h0' }, failures: {} };
const trialOf = (revision: typeof A): UpdateStatus => ({
  ...BASE,
  trial: { ...revision, fallback: '0', startedAtMs: 0, interrupted: false },
});
const seen = (status: UpdateStatus): Snapshot => ({ ...EMPTY_SNAPSHOT, observed: { 'update/device': status } });

const bench = () => {
  const timers: { atMs: number; callback: () => void }[] = [];
  const state = { nowMs: 0 };
  const snapshots = new BehaviorSubject<Snapshot>(seen(BASE));
  const stood: [Proposal, Proposal | undefined][] = [];
  const bugs: unknown[] = [];
  const arbiter = openArbiter({
    clock: {
      nowMs: () => state.nowMs,
      wallTime: () => new Date(0),
      soon: () => () => undefined,
      schedule: (atMs, callback) => {
        const timer = { atMs, callback };
        timers.push(timer);
        return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
      },
    },
    latest: () => snapshots.value,
    snapshots,
    onStanding: (proposal, before) => stood.push([proposal, before]),
    onBug: (error) => bugs.push(error),
  });
  const pass = (ms: number): void => {
    state.nowMs += ms;
    for (const timer of timers.filter(({ atMs }) => atMs <= state.nowMs)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.callback();
    }
  };
  const source = (name: Proposal['source']) => {
    const told: string[] = [];
    const port = arbiter.portFor({ name, told: ({ revision }, { is }) => told.push(`${revision} ${is}`) });
    return { port, told };
  };
  const become = (status: UpdateStatus): void => {
    snapshots.next(seen(status));
    pass(200);
  };
  return { arbiter, source, become, pass, snapshots, stood, timers, bugs };
};

test('a source is told what becomes of its own proposals, each change once', () => {
  const { source, become } = bench();
  const [push, directory] = [source('push'), source('watched directory')];
  push.port.propose(A, 'ci');
  become(BASE);
  become(BASE);
  become(trialOf(A));
  become({ ...BASE, committed: A });
  expect(push.told).toEqual(['locals/a accepted', 'locals/a trying', 'locals/a done']);
  expect(directory.told).toEqual([]);
});

test('what takes the place of a proposal before it was tried supersedes it', () => {
  const { source, become, stood } = bench();
  const [push, directory] = [source('push'), source('watched directory')];
  push.port.propose(A, 'ci');
  directory.port.propose(B, 'incoming/b.json');
  become(trialOf(B));
  expect(push.told).toEqual(['locals/a superseded']);
  expect(push.port.outcomeOf(A)).toMatchObject({ is: 'superseded', by: { from: 'incoming/b.json' } });
  expect(directory.told).toEqual(['locals/b trying']);
  expect(stood.map(([proposal, before]) => [proposal.spec.revision, before?.spec.revision])).toEqual([
    ['locals/a', undefined],
    ['locals/b', 'locals/a'],
  ]);
});

test('a source of a lower precedence is refused until the update is over, and may then propose again', () => {
  const { source, become, arbiter } = bench();
  const [push, hub] = [source('push'), source('hub')];
  push.port.propose(A, 'ci');
  expect(hub.port.propose(B)).toEqual({ is: 'refused', reason: 'locals/a, proposed by ci, is not finished yet' });
  expect(arbiter.standing()?.spec).toEqual(A);
  become({ ...BASE, committed: A });
  expect(hub.told).toEqual([]);
  expect(hub.port.propose(B)).toEqual({ is: 'accepted' });
  expect(arbiter.standing()).toEqual({ spec: B, source: 'hub', from: 'hub' });
});

test('an attempt that ends in no time is a rollback, not a refusal', () => {
  const { source, snapshots, become } = bench();
  const push = source('push');
  push.port.propose(A, 'ci');
  snapshots.next(seen(trialOf(A)));
  become({ ...BASE, failures: { [A.revision]: { ...A, status: 'ERROR', message: 'm', detail: 'd' } } });
  expect(push.told).toEqual(['locals/a rolled back']);
  push.port.propose(A, 'ci');
  become({ ...BASE, failures: { [A.revision]: { ...A, status: 'ERROR', message: 'm', detail: 'd' } } });
  expect(push.told.at(-1)).toBe('locals/a refused');
});

test('a revision of an earlier daemon is followed on request, and told again when it is asked for again', () => {
  const { source, become } = bench();
  const directory = source('watched directory');
  become({ ...BASE, committed: A });
  expect(directory.told).toEqual([]);
  directory.port.follow(A);
  become({ ...BASE, committed: A });
  directory.port.follow(A);
  become({ ...BASE, committed: A });
  expect(directory.told).toEqual(['locals/a done', 'locals/a done']);
});

test('no timer is left when everything is told, nor after the end', () => {
  const { source, become, snapshots, timers, arbiter } = bench();
  snapshots.next(seen(trialOf(A)));
  expect(timers).toEqual([]);
  const push = source('push');
  push.port.propose(A, 'ci');
  become(trialOf(A));
  expect(timers).toEqual([]);
  snapshots.next(seen(BASE));
  expect(timers).toHaveLength(1);
  arbiter.stop();
  expect(timers).toEqual([]);
  snapshots.next(seen(trialOf(A)));
  expect(timers).toEqual([]);
});

test('of very many proposals the newest are followed', () => {
  const { source, become } = bench();
  const push = source('push');
  for (let index = 0; index < 1_000; index += 1) push.port.propose({ revision: `locals/${index}`, hash: `${index}` });
  become(BASE);
  expect(push.told).toHaveLength(256);
  expect(push.told.at(-1)).toBe('locals/999 accepted');
});

test('a source that throws is a bug, and keeps no other from being told', () => {
  const { arbiter, source, become, bugs } = bench();
  const broken = arbiter.portFor({
    name: 'hub',
    told: () => {
      throw new Error('broken');
    },
  });
  broken.follow({ revision: '0', hash: 'h0' });
  const push = source('push');
  push.port.propose(A);
  become(BASE);
  expect(bugs).toEqual([new Error('broken')]);
  expect(push.told).toEqual(['locals/a accepted']);
});

import { config, Subject } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import type { Status } from '../../../resources/catalog.ts';
import type { VolumeSpec } from '../../../resources/kinds/volume.ts';
import { act, CONVERGED, waitUntil } from '../../../resources/plan.ts';
import { nameOf, type Ref, refOf } from '../../../resources/ref.ts';
import type { Reconciler, Snapshot } from '../../../resources/snapshot.ts';
import type { Controller, Controllers } from '../../../runtime/engine/controller.ts';
import type { Event } from '../../../runtime/engine/event.ts';
import { LOOK_LIMIT_SECONDS, startLoop } from '../../../runtime/engine/loop.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { mountedRoot, rootVolume } from '../../reconcilers/given.ts';

const A: Ref<'volume'> = 'volume/a';
const B: Ref<'volume'> = 'volume/b';

/** Mounts what is wanted and not there, and unmounts the rest. */
const plain: Reconciler<'volume'> = ({ ref, spec, status }) => {
  if (spec !== undefined && status === undefined) return act({ type: 'volume.mount', ref, spec }, 'wanted');
  if (spec === undefined && status !== undefined)
    return act({ type: 'volume.unmount', ref, target: status.target }, 'not wanted');
  return CONVERGED;
};

interface Bench {
  readonly host: ReturnType<typeof simulatedHost>;
  readonly loop: ReturnType<typeof startLoop>;
  /** Names of what is mounted. */
  readonly mounted: Set<string>;
  readonly done: readonly string[];
  readonly looks: readonly string[];
  readonly events: readonly Event[];
  readonly bugs: readonly unknown[];
  /** Called instead of mounting; the default mounts. */
  onMount: (name: string, signal: AbortSignal) => Promise<void>;
  onLook: (name: string) => Promise<void>;
  want(revision: string, ...refs: readonly Ref<'volume'>[]): Promise<void>;
  failures(): readonly string[];
}

const bench = (reconcile: Reconciler<'volume'> = plain): Bench => {
  const host = simulatedHost();
  const mounted = new Set<string>();
  const [done, looks, events, bugs]: [string[], string[], Event[], unknown[]] = [[], [], [], []];
  const volume: Controller<'volume'> = {
    kind: 'volume',
    reconcile,
    watch: () => new Subject<string>(),
    list: async () => [...mounted],
    observe: async (name) => {
      looks.push(name);
      await made.onLook(name);
      return mounted.has(name) ? mountedRoot({ target: name }) : undefined;
    },
    execute: {
      'volume.mount': async ({ ref }, signal) => {
        done.push(`mount ${nameOf(ref)}`);
        await made.onMount(nameOf(ref), signal);
      },
      'volume.unmount': async ({ ref }) => {
        done.push(`unmount ${nameOf(ref)}`);
        mounted.delete(nameOf(ref));
      },
    },
  };
  const loop = startLoop({
    controllers: { volume } as unknown as Controllers, // nothing of another kind is ever asked for
    clock: host.clock,
    refsIn: ({ desired, observed }) => [...new Set([...Object.keys(desired), ...Object.keys(observed)])] as Ref[],
    onBug: (error) => bugs.push(error),
  });
  loop.events.subscribe((event) => events.push(event));
  const made: Bench = {
    ...{ host, loop, mounted, done, looks, events, bugs },
    onMount: async (name) => void mounted.add(name),
    onLook: async () => undefined,
    want: async (revision, ...refs) => {
      const desired = Object.fromEntries(refs.map((ref): [Ref, VolumeSpec] => [ref, rootVolume]));
      loop.tell({ type: 'desired.changed', revision, desired });
      await host.settle();
    },
    failures: () => events.flatMap((event) => (event.type === 'action.failed' ? [event.code] : [])),
  };
  return made;
};

const deviceError = (code: string): DeviceError => new DeviceError('volume.mount', 'a', code, 'simulated');

describe('the loop', () => {
  it('does what is wanted, looks again, and rests', async () => {
    const { host, loop, done, looks, events, want } = bench();
    await want('1', A);
    expect([done, looks]).toEqual([['mount a'], ['a']]);
    expect(loop.latest()).toMatchObject({ plans: { [A]: CONVERGED }, observed: { [A]: mountedRoot({ target: 'a' }) } });
    expect(events.map(({ type }) => type)).toEqual([
      ...['desired.changed', 'resource.planned', 'action.started', 'resource.observed', 'action.succeeded'],
      'resource.planned',
    ]);
    await want('1', A);
    expect([done.length, host.timers]).toEqual([1, 0]);
  });

  it('undoes what nobody wants any more', async () => {
    const { loop, done, want } = bench();
    await want('1', A, B);
    await want('2', B);
    expect(done).toEqual(['mount a', 'mount b', 'unmount a']);
    expect(Object.keys(loop.latest().plans)).toEqual([B]);
  });

  it('looks for itself when a resource may have changed, and puts it right', async () => {
    const { host, loop, mounted, done, want } = bench();
    await want('1', A);
    mounted.clear();
    await host.settle();
    expect(done).toEqual(['mount a']);
    loop.look(A);
    await host.settle();
    expect(done).toEqual(['mount a', 'mount a']);
  });

  it('does not act upon a plan that time has overtaken: it looks before it acts', async () => {
    const { host, loop, mounted, done, want } = bench();
    await want('1', A);
    mounted.clear();
    loop.look(A);
    mounted.add('a'); // it was back before anybody looked
    await host.settle();
    expect(done).toEqual(['mount a']);
  });

  it('wakes up when a plan waits for time, and not before', async () => {
    let atMs = Number.POSITIVE_INFINITY;
    const { host, loop, done, want } = bench((resource, snapshot, nowMs) =>
      nowMs < atMs ? waitUntil(atMs, 'not yet') : plain(resource, snapshot, nowMs),
    );
    atMs = host.clock.nowMs() + 10_000;
    await want('1', A);
    await host.advance(9_999);
    expect([done, host.timers]).toEqual([[], 1]);
    await host.advance(1);
    expect([done, host.timers]).toEqual([['mount a'], 0]);
    loop.stop();
  });
});

describe('an action that changes nothing', () => {
  it('has failed, although the device said nothing: NO_EFFECT, and is held back', async () => {
    const device = bench();
    device.onMount = async () => undefined;
    await device.want('1', A);
    expect([device.done, device.failures()]).toEqual([['mount a'], ['NO_EFFECT']]);
    expect(device.loop.latest().plans[A]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining('the device does not show it'),
    });
    await device.host.advance(199);
    expect(device.done).toHaveLength(1);
    await device.host.advance(1);
    expect(device.done).toHaveLength(2);
    await device.host.advance(5_000);
    expect(device.done).toHaveLength(4); // 800 and 3 200 ms later
    device.loop.stop();
    expect(device.host.timers).toBe(0);
  });

  it('has not, when the next step is another one', async () => {
    const device = bench(({ ref, spec, status }, snapshot) =>
      status === undefined && snapshot.lastActions[ref] !== undefined
        ? act({ type: 'volume.unmount', ref, target: 'x' }, 'something else first')
        : plain({ ref, spec, status }, snapshot, 0),
    );
    device.onMount = async () => undefined;
    await device.want('1', A);
    device.loop.stop();
    expect(device.events.filter(({ type }) => type === 'action.succeeded')).toHaveLength(1);
  });
});

describe('an action that the device refuses', () => {
  it('is tried again later, with a look in between', async () => {
    const device = bench();
    device.onMount = async (name) => {
      if (device.done.length < 3) throw deviceError('EBUSY');
      device.mounted.add(name);
    };
    await device.want('1', A);
    expect([device.failures(), device.looks]).toEqual([['EBUSY'], ['a']]);
    await device.host.advance(10_000);
    expect([device.done.length, device.failures()]).toEqual([3, ['EBUSY', 'EBUSY']]);
    expect(device.loop.latest()).toMatchObject({ failures: {}, plans: { [A]: CONVERGED } });
    expect(device.host.timers).toBe(0);
  });

  it('is tried at once by another revision', async () => {
    const device = bench();
    device.onMount = () => Promise.reject(deviceError('EBUSY'));
    await device.want('1', A);
    await device.host.advance(60_000);
    const before = device.done.length;
    device.onMount = async (name) => void device.mounted.add(name);
    await device.want('2', A);
    expect(device.done.length).toBe(before + 1);
  });

  it('holds up nothing else', async () => {
    const device = bench();
    device.onMount = async (name) => {
      if (name === 'a') return new Promise(() => {});
      device.mounted.add(name);
    };
    await device.want('1', A, B);
    expect(device.loop.latest().plans[B]).toEqual(CONVERGED);
    device.loop.stop();
  });

  it('is given up when it takes too long, and is told to stop', async () => {
    const device = bench();
    const signals: AbortSignal[] = [];
    device.onMount = (_, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    await device.want('1', A);
    await device.host.advance(29_999);
    expect([device.failures(), signals[0]?.aborted]).toEqual([[], false]);
    await device.host.advance(1);
    expect([device.failures(), signals[0]?.aborted]).toEqual([['TIMEOUT'], true]);
    device.loop.stop();
  });
});

describe('a resource that cannot be looked at', () => {
  it('is left alone until it can, and looked at again each second', async () => {
    const device = bench();
    await device.want('1', A);
    device.mounted.clear();
    device.onLook = () => Promise.reject(deviceError('EIO'));
    device.loop.look(A);
    await device.host.settle();
    expect(device.events.at(-1)).toMatchObject({ type: 'observation.failed', code: 'EIO' });
    await device.host.advance(3_500);
    expect([device.done, device.looks.length]).toEqual([['mount a'], 5]);
    device.onLook = async () => undefined;
    await device.host.advance(1_000);
    expect([device.done, device.host.timers]).toEqual([['mount a', 'mount a'], 0]);
  });

  it('has an action that may have worked count as failed: UNSEEN', async () => {
    const device = bench();
    device.onLook = () => Promise.reject(deviceError('EIO'));
    await device.want('1', A);
    expect(device.failures()).toEqual(['UNSEEN']);
    device.loop.stop();
  });

  it('does not keep the loop waiting for ever', async () => {
    const device = bench();
    device.onLook = () => new Promise(() => {});
    const seen = device.loop.observe(A);
    await device.host.advance(LOOK_LIMIT_SECONDS * 1_000);
    expect(await seen).toBe(false);
    expect(device.events).toMatchObject([{ type: 'observation.failed', code: 'TIMEOUT' }]);
    device.loop.stop();
    expect(device.host.timers).toBe(0);
  });
});

describe('our own bugs', () => {
  it.each([
    ['in an action', (device: Bench) => (device.onMount = () => Promise.reject(new TypeError('bug')))],
    ['in a look', (device: Bench) => (device.onLook = () => Promise.reject(new TypeError('bug')))],
  ])('are none of the device: %s', async (_, prepare) => {
    const device = bench();
    prepare(device);
    await device.want('1', A);
    expect(device.bugs).toEqual([new TypeError('bug')]);
    expect(device.failures()).toEqual([]);
  });

  it('in a reconciler reach rxjs, which the daemon has end the process', async () => {
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error);
    try {
      const device = bench(() => {
        throw new TypeError('bug');
      });
      await device.want('1', A);
      await vi.waitFor(() => expect(unhandled).toEqual([new TypeError('bug')]));
      expect(device.done).toEqual([]);
    } finally {
      config.onUnhandledError = null;
    }
  });
});

describe('a loop that was stopped', () => {
  it('plans and does nothing more, and leaves no timer', async () => {
    const device = bench();
    const { promise, resolve } = Promise.withResolvers<void>();
    device.onMount = () => promise;
    await device.want('1', A);
    device.loop.stop();
    resolve();
    await device.host.settle();
    await device.want('2', A, B);
    expect(device.done).toEqual(['mount a']);
    await device.host.advance(120_000);
    expect(device.host.timers).toBe(0);
  });

  it('tells an action under way to stop', async () => {
    const device = bench();
    let given: AbortSignal | undefined;
    device.onMount = (_, signal) => {
      given = signal;
      return new Promise(() => {});
    };
    await device.want('1', A);
    device.loop.stop();
    expect(given?.aborted).toBe(true);
  });
});

describe('snapshots', () => {
  it('are told in order, each with the fact that made it, before anybody acts upon it', async () => {
    const { loop, want } = bench();
    const told: [Event['type'], boolean][] = [];
    const order: Snapshot[] = [];
    loop.reductions.subscribe(({ event, before, after }) => told.push([event.type, before === after]));
    loop.snapshots.subscribe((snapshot) => order.push(snapshot));
    await want('1', A);
    expect(told.slice(0, 2)).toEqual([
      ['desired.changed', false],
      ['resource.planned', false],
    ]);
    expect(order[0]?.revision).toBeUndefined();
    expect(order.at(-1)).toBe(loop.latest());
    const { observed } = loop.latest();
    loop.tell({ type: 'resource.observed', ref: A, status: { ...observed[A] } as Status });
    expect(told.at(-1)).toEqual(['resource.observed', true]);
  });

  it('knows only what refsIn names', async () => {
    const { host, loop, done } = bench();
    loop.look(refOf('volume', 'unknown'));
    await host.settle();
    expect(done).toEqual([]);
  });
});

import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ContainerController, containerController } from '../../controllers/container.ts';
import type { Exit } from '../../resources/kinds/container.ts';
import { CONVERGED } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import { type Ledger, openLedger } from '../../runtime/engine/ledger.ts';
import { DeviceError, type Host } from '../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { containerSpec } from '../reconcilers/given.ts';

const WEB: Ref<'container'> = 'container/web';
const CONFIG = 'lxc.rootfs.path = dir:/\n';
const ROOT = '/volumes/web/upper';
const never = new AbortController().signal;

interface Bench {
  readonly host: SimulatedHost;
  readonly ledger: Ledger;
  readonly controller: ContainerController;
  /** Ends as LXC tells them; nothing else does. */
  readonly exits: Subject<{ readonly name: string; readonly exit: Exit }>;
  readonly told: string[];
  readonly tidied: readonly string[];
  /** Called while a start is prepared. */
  onPrepare: () => Promise<void>;
  done<T>(work: Promise<T>): Promise<T>;
  /** Its init ends of SIGKILL, and LXC is done with it. */
  kill(): Promise<void>;
  install(): Promise<void>;
  start(signal?: AbortSignal): Promise<void>;
  phase(): Promise<unknown>;
}

const bench = async (given: SimulatedHost = simulatedHost(), change: (host: Host) => Partial<Host> = () => ({})) => {
  const exits = new Subject<{ readonly name: string; readonly exit: Exit }>();
  const host = given;
  await host.operator.files.makeDirectory(ROOT, 0o755);
  const port: Host = { ...host, containers: { ...host.containers, exits }, ...change(host) };
  const ledger = await openLedger(host.operator.files, '/run/ledger', 'boot');
  const [told, tidied]: [string[], string[]] = [[], []];
  const controller = containerController({
    host: port,
    ledger,
    reconcile: () => CONVERGED,
    prepare: async () => {
      await made.onPrepare();
      return { config: CONFIG, uppers: [ROOT] };
    },
    tidy: async (name) => void tidied.push(name),
  });
  controller.watch().subscribe((name) => told.push(name));
  const done = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false;
    work.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    await host.runUntil(() => isDone, 120_000);
    return await work;
  };
  const { execute } = controller;
  const made: Bench = {
    ...{ host, ledger, controller, exits, told, tidied, done },
    onPrepare: async () => undefined,
    kill: async () => {
      host.mischief.kill('web');
      await host.advance(1_000);
    },
    install: () =>
      done(
        execute['container.install']({ type: 'container.install', ref: WEB, spec: containerSpec(), rank: 3 }, never),
      ),
    start: (signal = never) =>
      done(
        execute['container.start']({ type: 'container.start', ref: WEB, spec: containerSpec(), volumes: {} }, signal),
      ),
    phase: async () => (await done(controller.observe('web')))?.phase,
  };
  return made;
};

const running = async (): Promise<Bench> => {
  const made = await bench();
  await made.install();
  await made.start();
  return made;
};

describe('a container', () => {
  it('is nothing before it is installed, then installed, then running', async () => {
    const made = await bench();
    expect(await made.done(made.controller.observe('web'))).toBeUndefined();
    await made.install();
    expect(await made.done(made.controller.observe('web'))).toEqual({
      ...{ definition: 'd1', generation: 0, revision: '1', rank: 3, retries: 0, phase: 'installed' },
    });
    await made.start();
    expect(await made.done(made.controller.observe('web'))).toMatchObject({
      ...{ phase: 'running', frozen: false, rootIntact: true, rank: 3 },
      run: { initPid: expect.any(Number), startedAtMs: expect.any(Number) },
    });
    expect(await made.done(made.controller.list())).toEqual(['web']);
  });

  it('has another root when a directory that its root writes to was made anew, and is told of it', async () => {
    const { host, told, controller, done } = await running();
    await done(controller.observe('web'));
    told.splice(0);
    host.mischief.removeTree(ROOT);
    await host.operator.files.makeDirectory(ROOT, 0o755);
    await host.advance(1_000);
    expect(told).toContain('web');
    expect(await done(controller.observe('web'))).toMatchObject({ rootIntact: false });
  });

  it('has ended as LXC said, which is on record for the next daemon', async () => {
    const { host, exits, controller, done, kill } = await running();
    await kill();
    exits.next({ name: 'web', exit: { type: 'code', code: 42 } });
    const ended = { phase: 'exited', exit: { type: 'code', code: 42 } };
    expect(await done(controller.observe('web'))).toMatchObject(ended);
    const next = await bench(host.restarted());
    expect(await next.done(next.controller.observe('web'))).toMatchObject(ended);
  });

  it('has ended in a way unknown when nobody said how', async () => {
    const { controller, done, kill } = await running();
    await kill();
    expect(await done(controller.observe('web'))).toMatchObject({ phase: 'exited', exit: { type: 'unknown' } });
  });

  it('never ends as a run before it did, however late that was told', async () => {
    const { exits, controller, done, start, kill } = await running();
    await kill();
    await done(controller.observe('web'));
    await done(controller.execute['container.reset']({ type: 'container.reset', ref: WEB, retries: 1 }, never));
    exits.next({ name: 'web', exit: { type: 'code', code: 42 } });
    await start();
    await kill();
    expect(await done(controller.observe('web'))).toMatchObject({
      ...{ phase: 'exited', retries: 1, exit: { type: 'unknown' } },
    });
  });
});

describe('a start', () => {
  it('that LXC refuses is no run, and whatever it posted is no end', async () => {
    const { host, exits, install, start, phase } = await bench();
    host.behaviour('web', { failsToStart: 'no such file: /sbin/init' });
    await install();
    exits.next({ name: 'web', exit: { type: 'code', code: 1 } });
    await expect(start()).rejects.toThrow('no such file: /sbin/init');
    expect(await phase()).toBe('installed');
  });

  it('that was given up while it was prepared configures nothing', async () => {
    const made = await bench();
    const stop = new AbortController();
    await made.install();
    made.onPrepare = async () => stop.abort();
    await expect(made.start(stop.signal)).rejects.toThrow(/abort/);
    expect(made.host.log).toEqual([]);
    expect(await made.phase()).toBe('installed');
  });

  it('that was given up while it was configured is not on record', async () => {
    const stop = new AbortController();
    const made = await bench(simulatedHost(), ({ containers }) => ({
      containers: {
        ...containers,
        configure: async (...args: Parameters<typeof containers.configure>) => {
          await containers.configure(...args);
          stop.abort();
        },
      },
    }));
    await made.install();
    await expect(made.start(stop.signal)).rejects.toThrow(/abort/);
    expect(made.host.log.filter((line) => line.startsWith('start'))).toEqual([]);
    expect(await made.ledger.get('container', 'web')).not.toHaveProperty('run');
  });

  it('that was given up while it was recorded starts nothing', async () => {
    const made = await bench();
    const stop = new AbortController();
    await made.install();
    const { put } = made.ledger;
    Object.assign(made.ledger, {
      put: async (...args: Parameters<typeof put>) => {
        await put(...args);
        stop.abort();
      },
    });
    await expect(made.start(stop.signal)).rejects.toThrow(/abort/);
    expect(made.host.log.filter((line) => line.startsWith('start'))).toEqual([]);
    expect(await made.phase()).toBe('installed');
  });

  it('that a daemon did not see the end of is adopted, with its root', async () => {
    const { host, ledger } = await running();
    const entry = (await ledger.get<{ run: object; uppers: readonly object[] }>('container', 'web')) ?? { run: {} };
    await ledger.put('container', 'web', { ...entry, run: { startedAtMs: 1, volumes: {} }, uppers: [{ path: ROOT }] });
    const next = await bench(host.restarted());
    const status = await next.done(next.controller.observe('web'));
    expect(status).toMatchObject({ phase: 'running', run: { startedAtMs: 1, initPid: expect.any(Number) } });
    expect(await next.ledger.get('container', 'web')).toMatchObject({
      uppers: [{ path: ROOT, inode: expect.any(Number) }],
    });
  });
});

describe('stopping', () => {
  it.each(['halt', 'kill'] as const)('by %s is on record before it is done, once', async (how) => {
    const { host, controller, done } = await running();
    host.behaviour('web', {});
    host.mischief.freeze('web');
    const atMs = host.clock.nowMs();
    const stop = () =>
      done(
        controller.execute[`container.${how}`]({ type: `container.${how}`, ref: WEB, reason: 'why' } as never, never),
      );
    if (how === 'halt') {
      await stop();
      await host.advance(1_000);
      await stop();
      expect(await done(controller.observe('web'))).toMatchObject({ run: { stopRequestedAtMs: atMs } });
    } else {
      await stop();
      await host.advance(1_000);
      expect(await done(controller.observe('web'))).toMatchObject({
        phase: 'exited',
        run: { stopRequestedAtMs: atMs },
      });
    }
  });

  it('works for one that lives without a record, and makes one', async () => {
    const { host, ledger } = await running();
    await ledger.remove('container', 'web');
    const next = await bench(host.restarted());
    expect(await next.done(next.controller.observe('web'))).toMatchObject({ definition: '', phase: 'running' });
    await next.done(
      next.controller.execute['container.kill']({ type: 'container.kill', ref: WEB, reason: 'why' }, never),
    );
    expect(await next.ledger.get('container', 'web')).toMatchObject({ run: { stopRequestedAtMs: expect.any(Number) } });
  });
});

describe('resetting and removing', () => {
  it('forgets the run, keeps what it was installed from, and counts retries', async () => {
    const { controller, done, tidied, kill } = await running();
    await kill();
    await done(controller.observe('web'));
    await done(controller.execute['container.reset']({ type: 'container.reset', ref: WEB, retries: 2 }, never));
    expect(await done(controller.observe('web'))).toEqual({
      ...{ definition: 'd1', generation: 0, revision: '1', rank: 3, retries: 2, phase: 'installed' },
    });
    expect(tidied).toEqual(['web']);
  });

  it('leaves nothing of it', async () => {
    const { controller, done, tidied, kill } = await running();
    await kill();
    await done(controller.execute['container.remove']({ type: 'container.remove', ref: WEB }, never));
    expect(await done(controller.observe('web'))).toBeUndefined();
    expect([await done(controller.list()), tidied]).toEqual([[], ['web']]);
  });
});

describe('the signal READY', () => {
  it('counts once, while the container runs', async () => {
    const { host, controller, done, told } = await running();
    told.splice(0);
    const atMs = host.clock.nowMs();
    expect(await done(controller.signalReady('web'))).toBe(true);
    expect(told).toEqual(['web']);
    await host.advance(500);
    expect(await done(controller.signalReady('web'))).toBe(true);
    expect(await done(controller.observe('web'))).toMatchObject({ run: { readyAtMs: atMs } });
  });

  it('is refused of one that does not run', async () => {
    const { controller, done, install } = await bench();
    expect(await done(controller.signalReady('web'))).toBe(false);
    await install();
    expect(await done(controller.signalReady('web'))).toBe(false);
  });
});

describe('the record', () => {
  it('loses no change when two come at once, nor all later ones when one hangs', async () => {
    const { host, controller, done } = await running();
    host.faults = { before: ({ name }) => (name === 'write' ? { delayMs: 100 } : undefined) };
    const halted = controller.execute['container.halt']({ type: 'container.halt', ref: WEB, reason: 'why' }, never);
    const signalled = controller.signalReady('web');
    await done(Promise.all([halted, signalled]));
    host.faults = {};
    expect(await done(controller.observe('web'))).toMatchObject({
      run: { stopRequestedAtMs: expect.any(Number), readyAtMs: expect.any(Number) },
    });
  });

  it('says so when the device does not take it', async () => {
    const { host, controller, done, install } = await bench();
    await install();
    host.faults = {
      before: ({ name, subject }) =>
        name === 'inspect' ? new DeviceError('inspect', subject, 'EIO', 'simulated') : undefined,
    };
    await expect(done(controller.observe('web'))).rejects.toMatchObject({ code: 'EIO' });
  });
});

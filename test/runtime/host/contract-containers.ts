/** Containers: one life from configure to remove, and how each end becomes known exactly once. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Exit } from '../../../resources/kinds/container.ts';
import type { Containers } from '../../../runtime/host/host.ts';
import { collect, type Device, finish, type Script } from './contract-device.ts';

const NAME = 'pvtest-contract';
const KILLED: Exit = { type: 'signal', signal: 9 };

export const containersContract = (device: Device): void => {
  const containers = (): Containers => device().host.containers;
  const configure = (script: Script): Promise<void> =>
    containers().configure(NAME, device().containerConfig(NAME, script));
  const start = (): Promise<number> => finish(device(), containers().start(NAME));
  const gone = (of: Containers): Promise<void> => device().until(async () => (await of.inspect(NAME)) === undefined);

  describe('containers: coming and going', () => {
    it('answers absence with a value', async () => {
      expect(await containers().inspect(NAME)).toBeUndefined();
      expect(await containers().list()).toEqual([]);
      for (const call of [containers().halt, containers().kill, containers().unfreeze, containers().remove]) {
        await expect(call.call(containers(), NAME)).resolves.toBeUndefined();
      }
    });

    it('refuses to start what was not configured', async () => {
      await expect(start()).rejects.toMatchObject({ name: 'DeviceError' });
      expect(await containers().inspect(NAME)).toBeUndefined();
    });

    it('says why a container cannot be started', async () => {
      await containers().configure(NAME, 'lxc.rootfs.path = dir:/pvtest/none/such\nlxc.no.such.key = 1\n');
      await expect(start()).rejects.toMatchObject({ code: 'LXC_START' });
      expect(await containers().inspect(NAME)).toBeUndefined();
    });

    it('resolves a start with the pid of a running init, and starts it once', async () => {
      await configure('polite');
      const pid = await start();
      expect(pid).toBeGreaterThan(1);
      expect(await containers().inspect(NAME)).toEqual({ state: 'RUNNING', initPid: pid });
      expect(await start()).toBe(pid);
    });

    it('starts once, however many ask at the same time', async () => {
      await configure('polite');
      const [first, second] = await finish(device(), Promise.all([containers().start(NAME), containers().start(NAME)]));
      expect(second).toBe(first);
    });

    it('lists what is configured or runs, until it is removed', async () => {
      await configure('polite');
      expect(await containers().list()).toEqual([NAME]);
      await start();
      await containers().kill(NAME);
      await gone(containers());
      expect(await containers().list()).toEqual([NAME]);
      await containers().remove(NAME);
      await containers().remove(NAME);
      expect(await containers().list()).toEqual([]);
    });

    it('can be configured anew and started again', async () => {
      await configure('exits7');
      const first = await start();
      await gone(containers());
      await configure('polite');
      const second = await start();
      expect(second).not.toBe(first);
      expect(await containers().inspect(NAME)).toMatchObject({ state: 'RUNNING' });
    });
  });

  describe('containers: how they end', () => {
    let exits: ReturnType<typeof collect<{ readonly name: string; readonly exit: Exit }>>;
    beforeEach(() => {
      exits = collect(containers().exits);
      return () => exits.stop();
    });
    const ended = async (exit: Exit): Promise<void> => {
      await device().until(() => exits.seen.length > 0);
      await gone(containers());
      expect(exits.seen).toEqual([{ name: NAME, exit }]);
    };

    it('reports the status of an init that ended by itself', async () => {
      await configure('exits7');
      await start();
      await ended({ type: 'code', code: 7 });
    });

    it('halts the polite', async () => {
      await configure('polite');
      await start();
      // PID 1 gets no signal it has not installed a handler for; a halt that comes too early is lost.
      await device().until(async () => {
        await containers().halt(NAME);
        return exits.seen.length > 0;
      });
      await ended({ type: 'code', code: 0 });
    });

    it('kills the stubborn', async () => {
      await configure('stubborn');
      await start();
      await containers().halt(NAME);
      await containers().kill(NAME);
      await ended(KILLED);
    });

    it('kills the frozen', async () => {
      await configure('polite');
      await start();
      await device().mischief.freeze(NAME);
      await device().until(async () => (await containers().inspect(NAME))?.state === 'FROZEN');
      await containers().kill(NAME);
      await ended(KILLED);
    });

    it('knows that somebody else killed init', async () => {
      await configure('polite');
      await start();
      await device().mischief.kill(NAME);
      await ended(KILLED);
    });

    it('has no exit to report when the monitor itself was killed, only a change', async () => {
      await configure('polite');
      await start();
      const changes = collect(containers().changes);
      await device().mischief.killMonitor(NAME);
      await gone(containers());
      await device().until(() => changes.seen.includes(NAME));
      changes.stop();
      expect(exits.seen).toEqual([]);
    });

    it('reports each end of several lives', async () => {
      await configure('exits7');
      for (const count of [1, 2]) {
        await start();
        await device().until(() => exits.seen.length === count);
        await gone(containers());
      }
      const exit: Exit = { type: 'code', code: 7 };
      expect(exits.seen).toEqual([
        { name: NAME, exit },
        { name: NAME, exit },
      ]);
    });
  });

  describe('containers: changes and restarts of the daemon', () => {
    it('tells that a container was started, was frozen and ended', async () => {
      const changes = collect(containers().changes);
      const told = async (): Promise<void> => {
        await device().until(() => changes.seen.length > seenBefore);
        expect(new Set(changes.seen)).toEqual(new Set([NAME]));
        seenBefore = changes.seen.length;
      };
      let seenBefore = 0;
      await configure('polite');
      await start();
      await told();
      await device().mischief.freeze(NAME);
      await device().until(async () => (await containers().inspect(NAME))?.state === 'FROZEN');
      await told();
      await containers().unfreeze(NAME);
      await containers().unfreeze(NAME);
      await device().until(async () => (await containers().inspect(NAME))?.state === 'RUNNING');
      await containers().kill(NAME);
      await gone(containers());
      await told();
      changes.stop();
    });

    it('keeps containers running while no daemon lives', async () => {
      await configure('polite');
      const pid = await start();
      const next = await device().restart();
      expect(await next.containers.inspect(NAME)).toEqual({ state: 'RUNNING', initPid: pid });
      expect(await next.containers.list()).toEqual([NAME]);
      expect(await finish(device(), next.containers.start(NAME))).toBe(pid);
    });

    it('delivers to the next daemon, once, how a container ended while none lived', async () => {
      await configure('exits7');
      await start();
      const next = await device().restart();
      const exits = collect(next.containers.exits);
      await gone(next.containers);
      await device().until(() => exits.seen.length > 0);
      exits.stop();
      const last = await device().restart();
      const again = collect(last.containers.exits);
      await configureOn(last.containers, device().containerConfig(NAME, 'exits7'));
      await finish(device(), last.containers.start(NAME));
      await device().until(() => again.seen.length > 0);
      again.stop();
      expect([exits.seen, again.seen]).toEqual([[SEVEN], [SEVEN]]);
    });

    it('keeps the boot id while the device is up', async () => {
      const { bootId } = device().host;
      expect(bootId).not.toBe('');
      expect((await device().restart()).bootId).toBe(bootId);
    });
  });
};

const SEVEN = { name: NAME, exit: { type: 'code', code: 7 } };

const configureOn = (containers: Containers, config: string): Promise<void> => containers.configure(NAME, config);

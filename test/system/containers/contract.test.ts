/** The containers' part of the host contract, on this machine. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe } from 'vitest';
import { linuxHost } from '../../../runtime/host/linux/linux-host.ts';
import { containersContract } from '../../runtime/host/contract-containers.ts';
import { type ContractDevice, SCRIPTS } from '../../runtime/host/contract-device.ts';
import { until } from '../host/scratch.ts';
import { describeSystem } from '../require-root.ts';
import { bench, parentOf } from './bench.ts';

const device = async (): Promise<ContractDevice> => {
  const { paths, open, configOf, cleanup } = bench();
  const start = async () => linuxHost({ paths, containers: await open(), restart: () => Promise.resolve() });
  let host = await start();
  const initOf = async (name: string): Promise<number> => (await host.containers.inspect(name))?.initPid ?? Number.NaN;
  return {
    host,
    root: paths.storage,
    image: '',
    containerConfig: (name, script) => configOf(name, SCRIPTS[script], { lines: 'lxc.signal.halt = SIGTERM\n' }),
    restart: async () => {
      // Letting go is all a killed daemon does too; two at a time would take each other's messages.
      await host.close();
      host = await start();
      return host;
    },
    mischief: {
      unmount: async () => {},
      kill: async (name) => void process.kill(await initOf(name), 'SIGKILL'),
      killMonitor: async (name) => void process.kill(parentOf(await initOf(name)), 'SIGKILL'),
      freeze: async (name) => void execFileSync('lxc-freeze', ['-P', paths.lxc, '-n', name]),
    },
    until,
    cleanup: async () => {
      await host.close();
      await cleanup();
    },
  };
};

describeSystem('the host port on this machine, containers', () => {
  let current: ContractDevice | undefined;
  beforeEach(async () => {
    current = await device();
  });
  afterEach(() => current?.cleanup());
  describe('contract', () =>
    containersContract(() => {
      if (current === undefined) throw new Error('the device exists only while a test runs');
      return current;
    }));
}, ['lxc', 'loop', 'squashfs']);

/**
 * The contract suite of the host port: every promise of runtime/host/host.ts as a test.
 *
 * `hostContract(name, make)` runs it on one implementation. `make` is called once per test and answers with a
 * fresh ContractDevice (contract-device.ts); the suite knows nothing else about the machine below, so that the
 * simulated and the Linux host cannot drift apart. Nothing here may ask which host it runs on.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { containersContract } from './contract-containers.ts';
import type { ContractDevice, Device } from './contract-device.ts';
import { disksContract } from './contract-disks.ts';
import { filesContract } from './contract-files.ts';
import { mountsContract } from './contract-mounts.ts';
import { treesContract } from './contract-trees.ts';

export type { ContractDevice } from './contract-device.ts';

export const hostContract = (name: string, make: () => Promise<ContractDevice>): void => {
  describe(`the host port on ${name}`, () => {
    let current: ContractDevice | undefined;
    const device: Device = () => {
      if (current === undefined) throw new Error('the contract device exists only while a test runs');
      return current;
    };

    beforeEach(async () => {
      current = await make();
    });
    afterEach(async () => {
      const done = current;
      current = undefined;
      await done?.cleanup();
    });

    filesContract(device);
    treesContract(device);
    mountsContract(device);
    disksContract(device);
    containersContract(device);
  });
};

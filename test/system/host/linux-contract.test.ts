import { afterEach, beforeEach } from 'vitest';
import type { ContractDevice } from '../../runtime/host/contract.ts';
import { disksContract } from '../../runtime/host/contract-disks.ts';
import { filesContract } from '../../runtime/host/contract-files.ts';
import { mountsContract } from '../../runtime/host/contract-mounts.ts';
import { treesContract } from '../../runtime/host/contract-trees.ts';
import { describeSystem } from '../require-root.ts';
import { linuxDevice } from './linux-device.ts';

describeSystem('the host port on Linux', () => {
  let current: ContractDevice;
  const device = (): ContractDevice => current;
  beforeEach(async () => {
    current = await linuxDevice();
  });
  afterEach(() => current.cleanup());

  filesContract(device);
  treesContract(device);
  mountsContract(device);
  disksContract(device);
}, ['loop', 'squashfs', 'mkfs']);

/** A storage that answers no write any more (fsfreeze): what runs goes on, a start does not wait for ever, and all is well after. */
import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { realState } from '../daemon/real-state.ts';
import { describeSystem } from '../require-root.ts';
import { onSmallDisk } from './small-disk.ts';

const frozen = async ({ storage }: RealDevice, work: () => Promise<void>): Promise<void> => {
  execFileSync('fsfreeze', ['--freeze', storage]);
  try {
    await work();
  } finally {
    execFileSync('fsfreeze', ['--unfreeze', storage]);
  }
};

describeSystem('a storage that hangs', () => {
  test('does not keep the next daemon from taking over what runs, and from telling', async ({ device }) => {
    await onSmallDisk(device, 64, async () => {
      await device.start();
      expect(await device.deploy('web', realState().container('web'))).toMatchObject({ status: 'DONE' });
      const pid = await device.pidOf('web');
      await frozen(device, async () => {
        await device.kill();
        await device.start();
        expect(await device.pidOf('web')).toBe(pid);
        expect(await device.stateOf('web')).toBe('STARTED');
      });
      await device.converged();
      expect(await device.deploy('next', realState().container('web').container('new'))).toMatchObject({
        status: 'DONE',
      });
      expect(await device.pidOf('web')).toBe(pid);
    });
  });
}, ['lxc', 'loop', 'squashfs', 'mkfs']);

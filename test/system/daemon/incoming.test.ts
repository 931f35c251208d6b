import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { test } from './real-device.ts';
import { realState } from './real-state.ts';

describeSystem('the watched directory', () => {
  test('turns a state document with its objects into running containers', async ({ device }) => {
    await device.start();
    expect(await device.deploy('first', realState().container('web'))).toMatchObject({
      status: 'DONE',
      revision: 'locals/first',
    });
    expect(await device.stateOf('web')).toBe('STARTED');
  });
});

import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { aRig } from './rig.ts';

describe('a first state', () => {
  it('becomes a running container and is committed', async () => {
    const rig = await aRig();
    expect(await rig.run(aState().container('web'))).toBe('DONE');
    expect(rig.statusOf('web')).toBe('STARTED');
    expect(rig.newLog()).toEqual([
      expect.stringMatching(/^mount image objects\/.* on web\/root.squashfs$/),
      'mount tmpfs on web/lxc-overlay',
      'start web',
    ]);
  });
});

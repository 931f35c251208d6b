import { describe, expect, it } from 'vitest';
import { transitionOf } from '../../../resources/state-format/transition.ts';
import { aState, compiled, type StateBuilder } from '../../state-builder.ts';

const GROUPS = [
  { name: 'base', restart_policy: 'system' },
  { name: 'apps', restart_policy: 'container' },
  { name: 'more', restart_policy: 'container' },
];
const base = aState()
  .with('groups.json', GROUPS)
  .with('bsp/run.json', { linux: 'kernel.img', initrd: 'initrd.img' })
  .object('bsp/kernel.img')
  .object('oem/splash.png')
  .container('os', { group: 'base' })
  .container('web', { group: 'apps' })
  .container('db', { group: 'apps' });

const inDeviceJson = base.with('groups.json', undefined);
const withDeviceJson = inDeviceJson.with('device.json', { groups: GROUPS });

const without = (state: StateBuilder, name: string): StateBuilder =>
  Object.keys(state.toValue())
    .filter((key) => key.startsWith(`${name}/`))
    .reduce((fewer, key) => fewer.with(key, undefined), state);

const transition = (next: StateBuilder, from = base) => transitionOf(compiled(from), compiled(next));

describe('the transition between two revisions', () => {
  it.each([
    ['device.json', inDeviceJson.with('device.json', { groups: GROUPS, name: 'another' }), withDeviceJson],
    ['groups.json', base.with('groups.json', [...GROUPS, { name: 'last' }])],
    ['disks.json', base.with('disks.json', [{ name: 'data', type: 'volume-disk' }])],
    ['bsp/run.json', base.with('bsp/run.json', { linux: 'kernel.img', initrd: 'other.img' })],
    ['bsp/kernel.img', base.object('bsp/kernel.img', 'another kernel')],
    ['bsp/kernel.img', base.with('bsp/kernel.img', undefined)],
    ['bsp/modules.squashfs', base.object('bsp/modules.squashfs')],
    ['oem/splash.png', base.object('oem/splash.png', 'another splash')],
    ['notes.json', base.with('notes.json', { any: 'thing' })],
    ['readme.txt', base.object('readme.txt')],
  ])('reboots for %s, which belongs to no container', (path, next, from = base) => {
    const { reboot, causes } = transition(next, from);
    expect(reboot).toBe(true);
    expect(causes).toEqual([
      { path, reason: expect.stringMatching(/ (changed|is new|is gone) and belongs to no container$/) },
    ]);
  });

  it.each([
    ['#spec keys and signatures', base.with('_sigs/all.json', { '#spec': 'pvs@2' })],
    ['src.json', base.with('web/src.json', { from: 'somewhere' })],
    ['build.json', base.with('os/build.json', { at: 'some time' })],
    ['the order of keys', base.with('bsp/run.json', { initrd: 'initrd.img', linux: 'kernel.img' })],
    ['nothing at all', base],
  ])('does nothing for %s', (_, next) => {
    expect(transition(next)).toEqual({ reboot: false, causes: [], stopped: [] });
  });

  it.each([
    ['a changed object', base.object('web/root.squashfs', 'another root'), ['web']],
    ['a changed run.json', base.container('web', { group: 'apps', roles: ['nobody'] }), ['web']],
    ['another group of the same policy', base.container('web', { group: 'more' }), ['web']],
    ['a new key of its own', base.object('web/extra.txt'), ['web']],
    ['its _config', base.object('_config/web/etc/hostname'), ['web']],
    ['its removal', without(base, 'web'), ['web']],
    ['two containers', base.object('web/extra.txt').object('db/extra.txt'), ['db', 'web']],
    ['a new container', base.container('cache', { group: 'apps' }), []],
  ])('stops containers of policy container only for %s', (_, next, stopped) => {
    expect(transition(next)).toEqual({ reboot: false, causes: [], stopped });
  });

  it.each([
    ['changed', base.object('os/root.squashfs', 'another root')],
    ['its _config changed', base.object('_config/os/etc/hostname')],
    ['added', base.container('os2', { group: 'base' })],
    ['removed', without(base, 'os')],
  ])('reboots for a container of policy system: %s', (_, next) => {
    const { reboot, causes, stopped } = transition(next);
    expect([reboot, stopped]).toEqual([true, []]);
    for (const { reason } of causes) expect(reason).toMatch(/the restart policy of os2? is "system"$/);
  });

  it('reboots when the policy changes from container to system', () => {
    const { reboot, causes } = transition(base.container('web', { group: 'apps', restart_policy: 'system' }));
    expect(reboot).toBe(true);
    expect(causes).toEqual([
      { path: 'web/run.json', reason: 'web/run.json changed; the restart policy of web becomes "system"' },
    ]);
  });

  it('reboots when the policy changes from system to container', () => {
    expect(transition(base.container('os', { group: 'base', restart_policy: 'container' })).reboot).toBe(true);
  });

  it('takes another text of the same JSON for no change', () => {
    const other = compiled(base);
    const spaced = other.files.map((file) =>
      file.path === 'web/run.json' ? { ...file, text: ` ${file.text}` } : file,
    );
    expect(transitionOf(compiled(base), { ...other, files: spaced })).toEqual({
      reboot: false,
      causes: [],
      stopped: [],
    });
  });

  it('takes JSON that becomes an object for a change', () => {
    const next = base.with('web/extra.json', '0'.repeat(64));
    expect(transition(next, base.with('web/extra.json', {})).stopped).toEqual(['web']);
  });
});

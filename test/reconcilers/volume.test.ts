import { describe, expect, it } from 'vitest';
import { reconcilers } from '../../reconcilers/index.ts';
import type { VolumeSource, VolumeStatus } from '../../resources/kinds/volume.ts';
import {
  containerSpec,
  exited,
  type Given,
  installed,
  mountedRoot,
  planFor,
  rootVolume,
  running,
  sentence,
} from './given.ts';

const WEB = 'container/web';
const ROOT = 'volume/web/root.squashfs';
const plan = (given: Given): string => sentence(planFor(reconcilers.volume, ROOT, given));
const desired = { [WEB]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume };

describe('a volume is mounted', () => {
  it('once its container is installed', () => {
    expect(plan({ desired, observed: { [WEB]: installed() } })).toBe('volume.mount: its container needs it');
  });

  it('again, when somebody took it off a running container', () => {
    expect(plan({ desired, observed: { [WEB]: running() } })).toBe('volume.mount: it was unmounted behind our back');
  });

  it('not before its container is installed', () => {
    expect(plan({ desired })).toBe('converged');
  });

  it('not for a container that has ended', () => {
    expect(plan({ desired, observed: { [WEB]: exited({ type: 'code', code: 0 }) } })).toBe('converged');
  });

  it('not for a container that the operator stopped', () => {
    const stopped = { ...desired, [WEB]: containerSpec({ stopped: true }) };
    expect(plan({ desired: stopped, observed: { [WEB]: installed() } })).toBe('converged');
  });

  it('not for the container of another revision that still runs', () => {
    expect(plan({ desired, observed: { [WEB]: running({ definition: 'old' }) } })).toBe('converged');
  });

  it('after its disk is up', () => {
    const onDisk = { ...desired, [ROOT]: { ...rootVolume, disk: 'disk/usb' as const } };
    expect(plan({ desired: onDisk, observed: { [WEB]: installed() } })).toBe(
      'waiting for disk/usb: its disk usb is not up',
    );
  });

  it('never when this device cannot', () => {
    const unsupported = { ...desired, [ROOT]: { ...rootVolume, unsupported: 'dm-verity: not supported yet' } };
    expect(plan({ desired: unsupported, observed: { [WEB]: installed() } })).toBe(
      'stalled: dm-verity: not supported yet',
    );
  });
});

describe('a mounted volume', () => {
  it('stays while its container needs it', () => {
    expect(plan({ desired, observed: { [WEB]: running(), [ROOT]: mountedRoot() } })).toBe('converged');
  });

  it('is taken off when its container has ended', () => {
    const observed = { [WEB]: exited({ type: 'code', code: 0 }), [ROOT]: mountedRoot() };
    expect(plan({ desired, observed })).toBe('volume.unmount: no container needs it now');
  });

  it('is taken off when no revision wants it', () => {
    expect(plan({ observed: { [ROOT]: mountedRoot() } })).toBe('volume.unmount: no container needs it now');
  });

  it('is kept under a living container even if another image is declared: that stops first', () => {
    const observed = { [WEB]: running(), [ROOT]: mountedRoot({ sources: ['/storage/objects/bb'] }) };
    expect(plan({ desired, observed })).toBe(`waiting for ${WEB}: the container that uses it still runs`);
  });

  it('is kept under a container that is being started, though nobody wants that any more', () => {
    const start = { action: 'container.start', reason: 'its goal', startedAtMs: 1 } as const;
    const observed = { [WEB]: installed(), [ROOT]: mountedRoot() };
    expect(plan({ observed, lastActions: { [WEB]: start } })).toBe(
      `waiting for ${WEB}: the container that uses it still runs`,
    );
    const lastActions = { [WEB]: { ...start, finishedAtMs: 2 } };
    expect(plan({ observed, lastActions })).toBe('volume.unmount: no container needs it now');
  });

  it('is replaced when it shows another tree', () => {
    const observed = { [WEB]: installed(), [ROOT]: mountedRoot({ sources: ['/storage/objects/bb'] }) };
    expect(plan({ desired, observed })).toBe('volume.unmount: it is not the tree that is declared');
  });

  it('is replaced when its tree was deleted', () => {
    const observed = { [WEB]: installed(), [ROOT]: mountedRoot({ deleted: true }) };
    expect(plan({ desired, observed })).toBe('volume.unmount: it is not the tree that is declared');
  });

  it('is replaced when it was mounted for a definition that is a former one by now', () => {
    const late = mountedRoot({ type: 'tmpfs', sources: [], ours: true });
    expect(plan({ desired, observed: { [WEB]: installed(), [ROOT]: late } })).toBe(
      'volume.unmount: it is not the tree that is declared',
    );
  });

  it('is not touched when it is a foreign mount', () => {
    const observed = { [WEB]: installed(), [ROOT]: mountedRoot({ type: 'foreign', sources: [] }) };
    expect(plan({ desired, observed })).toBe(
      'stalled: something else is mounted on /volumes/web/root.squashfs: unmount it, it is not ours to touch',
    );
  });
});

describe('what shows what', () => {
  const cases: [VolumeSource, Partial<VolumeStatus>, boolean][] = [
    [{ type: 'tmpfs' }, { type: 'tmpfs', sources: [] }, true],
    [{ type: 'tmpfs' }, { type: 'bind', sources: ['/x'] }, false],
    [{ type: 'directory', path: '/d' }, { type: 'bind', sources: ['/other', '/d'] }, true],
    [{ type: 'directory', path: '/d' }, { type: 'bind', sources: ['/other'] }, false],
    [{ type: 'scratch', path: '/d' }, { type: 'bind', sources: ['/d'] }, true],
    [{ type: 'file', path: '/f' }, { type: 'bind', sources: ['/f'] }, true],
    [{ type: 'tree', path: '/t' }, { type: 'tmpfs', sources: [] }, false],
  ];
  it.each(cases)('%o as %o: %s', (source, mounted, same) => {
    const given = {
      desired: { ...desired, [ROOT]: { ...rootVolume, source } },
      observed: { [WEB]: installed(), [ROOT]: mountedRoot(mounted) },
    };
    expect(plan(given) === 'converged').toBe(same);
  });
});

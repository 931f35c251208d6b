/** What each step is put down to: the history answers "why" with it. And what containers and volumes do on their way. */
import { describe, expect, it } from 'vitest';
import { reconcilers } from '../../reconcilers/index.ts';
import type { ContainerStatus } from '../../resources/kinds/container.ts';
import { kindOf, type Ref } from '../../resources/ref.ts';
import type { Reconciler } from '../../resources/snapshot.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  planFor,
  rootVolume,
  run,
  running,
  sentence,
} from './given.ts';

const WEB: Ref<'container'> = 'container/web';
const ROOT: Ref<'volume'> = 'volume/web/root.squashfs';
const APP: Ref<'group'> = 'group/app';

const planOf = (ref: Ref, given: Given, nowMs = 3_000) =>
  planFor(reconcilers[kindOf(ref)] as Reconciler<never>, ref as never, given, nowMs);
const said = (ref: Ref, given: Given, nowMs?: number): string => sentence(planOf(ref, given, nowMs));
const causes = (ref: Ref, given: Given, nowMs?: number): readonly string[] | undefined => {
  const plan = planOf(ref, given, nowMs);
  return 'because' in plan ? plan.because : undefined;
};
const open = { [APP]: groupSpec() };
const web = (status: ContainerStatus, spec = containerSpec(), more: Given['observed'] = {}): Given => ({
  desired: { ...open, [WEB]: spec },
  observed: { [APP]: opened(), [WEB]: status, ...more },
});
const starting = (overrides = {}): ContainerStatus =>
  ({ ...installed(), phase: 'starting', run: run(), ...overrides }) as ContainerStatus;

describe('a container is', () => {
  it.each<readonly [string, Given, readonly string[] | undefined]>([
    ['installed because it is wanted', { desired: { ...open, [WEB]: containerSpec() } }, ['desired', WEB]],
    ['removed because it is not', { observed: { [WEB]: installed() } }, ['desired', WEB]],
    [
      'started because its group and volumes are there',
      {
        desired: { ...open, [WEB]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume },
        observed: { [APP]: opened(), [WEB]: installed(), [ROOT]: mountedRoot() },
      },
      [APP, ROOT],
    ],
    ['halted because it is not wanted as it is', web(running({ definition: 'old' })), ['desired']],
    ['halted because the operator stopped it', web(running(), containerSpec({ stopped: true })), ['desired']],
    ['halted because of its own root', web(running({ rootIntact: false })), [WEB]],
    [
      'halted because of a volume',
      web(running({ run: run({ volumes: { [ROOT]: '1:1:/' } }) }), containerSpec(), { [ROOT]: mountedRoot() }),
      [ROOT],
    ],
    ['killed, being frozen, because of both', web(running({ frozen: true, definition: 'old' })), ['desired', WEB]],
    ['thawed for no reason but itself', web(running({ frozen: true })), undefined],
  ])('%s', (_, given, expected) => {
    expect(causes(WEB, given)).toEqual(expected);
  });

  it('ranked as its group is ordered, when it is installed', () => {
    const rank = (group: Given['desired']) => {
      const plan = planOf(WEB, { desired: { ...group, [WEB]: containerSpec() } });
      return plan.outcome === 'acting' && plan.next.type === 'container.install' ? plan.next.rank : undefined;
    };
    expect([rank({ [APP]: groupSpec({ order: 4 }) }), rank({})]).toEqual([4, 0]);
  });
});

describe('a container that starts', () => {
  it('has 30 s, and is killed then', () => {
    expect(said(WEB, web(starting()), 30_999)).toBe('waiting for time until 31000: init is coming up');
    expect(said(WEB, web(starting()), 31_000)).toBe('container.kill: init did not come up');
  });

  it('is killed at once when it is not wanted as it is', () => {
    expect(said(WEB, web(starting({ definition: 'old' })))).toBe(
      'container.kill: its definition changed in revision 1',
    );
    expect(causes(WEB, web(starting(), containerSpec({ stopped: true })))).toEqual(['desired']);
  });

  it('has no root that could be broken yet', () => {
    expect(said(WEB, web(starting({ rootIntact: false })), 2_000)).toContain('init is coming up');
  });
});

describe('a container that LXC takes down', () => {
  it('has 10 s, and is killed then', () => {
    const ending = web(running({ endingSinceMs: 1_000 }));
    expect(said(WEB, ending, 10_999)).toBe('waiting for time until 11000: it has ended, and LXC takes it down');
    expect(said(WEB, ending, 11_000)).toBe('container.kill: LXC did not take it down in 10 s');
  });
});

describe('a container that was asked to stop and is wanted again', () => {
  it('has its time, and is killed then', () => {
    const asked = web(running({ run: run({ stopRequestedAtMs: 2_000 }) }));
    expect(said(WEB, asked, 6_999)).toBe(
      'waiting for time until 7000: it was asked to stop; it has the halt signal and some time',
    );
    expect(said(WEB, asked, 7_000)).toBe('container.kill: it was asked to stop; it did not stop in 5 s');
  });
});

describe('a container that ended', () => {
  const end = exited({ type: 'code', code: 1 });
  it('is removed when it is not wanted, or not as it is', () => {
    expect(said(WEB, { observed: { [WEB]: end } })).toBe('container.remove: it is not part of the revision');
    expect(said(WEB, web(end, containerSpec({ definition: 'new' })))).toBe(
      'container.remove: its definition changed in revision 1',
    );
    expect(said(WEB, web(end, containerSpec({ generation: 1 })))).toBe('container.remove: a restart was requested');
  });

  it('rests when the operator stopped it', () => {
    expect(said(WEB, web(end, containerSpec({ stopped: true })))).toBe('converged');
  });

  it('lets go of its volumes first', () => {
    expect(said(WEB, web(end, containerSpec(), { [ROOT]: mountedRoot() }))).toContain(`waiting for ${ROOT}`);
  });

  it('fails a trial from the moment the trial began', () => {
    const trial = (startedAtMs: number): Given =>
      web(end, containerSpec(), {
        'update/device': {
          committed: { revision: '0', hash: '' },
          failures: {},
          trial: { revision: '1', hash: '', fallback: '0', startedAtMs, interrupted: false },
        },
      });
    expect(said(WEB, trial(2_000))).toContain('stalled');
    expect(said(WEB, trial(2_001))).toContain('container.reset');
  });
});

describe('an installed container', () => {
  it('rests when the operator stopped it', () => {
    expect(said(WEB, web(installed(), containerSpec({ stopped: true })))).toBe('converged');
  });

  it('is removed when it is to be restarted, or cannot run here', () => {
    expect(said(WEB, web(installed(), containerSpec({ generation: 1 })))).toBe(
      'container.remove: a restart was requested',
    );
    expect(said(WEB, web(installed(), containerSpec({ unsupported: 'no' })))).toBe('container.remove: no');
  });

  it('starts without a group that nobody declared', () => {
    expect(said(WEB, { desired: { [WEB]: containerSpec() }, observed: { [WEB]: installed() } })).toBe(
      'container.start: its goal is STARTED',
    );
  });

  it('waits for all the volumes that are missing, and says how many', () => {
    const second: Ref<'volume'> = 'volume/web/data';
    const spec = containerSpec({ volumes: [ROOT, second] });
    const given = {
      desired: { ...open, [WEB]: spec, [ROOT]: rootVolume, [second]: rootVolume },
      observed: { [APP]: opened(), [WEB]: installed() },
    };
    expect(said(WEB, given)).toBe(`waiting for ${ROOT}, ${second}: volumes are not mounted yet`);
  });
});

describe('a volume is', () => {
  const volume = (status: ContainerStatus | undefined, mounted = mountedRoot(), spec = containerSpec()): Given => ({
    desired: { [WEB]: spec, [ROOT]: rootVolume },
    observed: { ...(status === undefined ? {} : { [WEB]: status }), [ROOT]: mounted },
  });
  const first = running({ run: run({ volumes: { [ROOT]: '7:0:/' } }) });

  it('mounted because its container needs it, or because it is gone', () => {
    const given = (status: ContainerStatus) => ({
      desired: { [WEB]: containerSpec(), [ROOT]: rootVolume },
      observed: { [WEB]: status },
    });
    expect(causes(ROOT, given(installed()))).toEqual([WEB]);
    expect(causes(ROOT, given(running()))).toEqual([ROOT]);
    expect(said(ROOT, given(exited({ type: 'code', code: 0 })))).toBe('converged');
  });

  it('kept while its container lives with it, though another image is declared by now', () => {
    const other = mountedRoot({ sources: ['/storage/objects/bb'] });
    expect(said(ROOT, volume(first, other))).toBe('converged');
    expect(said(ROOT, volume(running(), other))).toBe(`waiting for ${WEB}: the container that uses it still runs`);
    expect(said(ROOT, volume(installed(), other))).toBe('volume.unmount: it is not the tree that is declared');
    expect(causes(ROOT, volume(installed(), other))).toEqual([ROOT]);
  });

  it('not kept when what it shows was deleted, or is no image any more', () => {
    expect(said(ROOT, volume(first, mountedRoot({ deleted: true })))).toContain('still runs');
    expect(said(ROOT, volume(first, mountedRoot({ type: 'foreign' })))).toContain('still runs');
  });

  it('taken off when no container needs it', () => {
    expect(said(ROOT, volume(undefined))).toBe('volume.unmount: no container needs it now');
    expect(causes(ROOT, volume(undefined))).toEqual([WEB]);
    expect(said(ROOT, volume(exited({ type: 'code', code: 0 })))).toContain('volume.unmount');
    expect(said(ROOT, volume(installed(), mountedRoot(), containerSpec({ stopped: true })))).toContain(
      'volume.unmount',
    );
    expect(said(ROOT, volume(installed(), mountedRoot(), containerSpec({ generation: 1 })))).toContain(
      'volume.unmount',
    );
    expect(said(ROOT, volume(installed(), mountedRoot(), containerSpec({ unsupported: 'no' })))).toContain(
      'volume.unmount',
    );
    expect(said(ROOT, volume(installed({ definition: 'old' })))).toContain('volume.unmount');
    expect(said(ROOT, volume(installed()))).toBe('converged');
  });

  it('left alone when somebody else mounted it', () => {
    const foreign = mountedRoot({ type: 'foreign', identity: '0:1:/' });
    const bind = mountedRoot({ type: 'bind', identity: '0:1:/' });
    const stalled = expect.stringContaining('stalled: something else is mounted');
    expect(said(ROOT, volume(installed(), foreign))).toEqual(stalled);
    expect(said(ROOT, volume(undefined, foreign))).toEqual(stalled);
    expect(said(ROOT, volume(installed(), bind))).toEqual(stalled);
    expect(said(ROOT, volume(installed(), { ...bind, ours: true }))).toContain('volume.unmount');
    // Of another definition it may have been this before.
    expect(said(ROOT, volume(installed({ definition: 'old' }), bind))).toContain('volume.unmount');
    expect(said(ROOT, volume(undefined, bind))).toContain('volume.unmount');
    expect(said(ROOT, { observed: { [ROOT]: bind, [WEB]: installed() } })).toContain('volume.unmount');
  });
});

describe('a group is', () => {
  const FIRST: Ref<'group'> = 'group/first';
  it('opened because earlier groups are done, and closed because it is not wanted', () => {
    const earlier = groupSpec({ name: 'first', order: 0, members: ['container/a'] });
    const given: Given = {
      desired: {
        [FIRST]: earlier,
        [APP]: groupSpec({ order: 1 }),
        'container/a': containerSpec({ name: 'a', group: FIRST }),
      },
      observed: { [FIRST]: opened(), 'container/a': running() },
    };
    expect(causes(APP, given)).toEqual(['desired', FIRST, 'container/a']);
    expect(causes(FIRST, { desired: { [FIRST]: earlier } })).toEqual(['desired']);
    expect(causes(APP, { observed: { [APP]: opened() } })).toEqual(['desired']);
    expect(said(APP, {})).toBe('converged');
  });
});

describe('a disk is', () => {
  const spec = { name: 'd', source: { type: 'directory', path: '/x' }, use: { type: 'mount', target: '/d' } };
  const status = { source: spec.source, use: spec.use, path: '/x', active: true, foreign: false };
  it.each([
    ['set up because it is wanted', { desired: { 'disk/d': spec } }, ['desired', 'disk/d']],
    ['given back because it is not', { observed: { 'disk/d': { ...status, active: false } } }, ['desired', 'disk/d']],
    ['taken off because it is not', { observed: { 'disk/d': status } }, ['desired']],
  ])('%s', (_, given, expected) => {
    expect(causes('disk/d', given as never)).toEqual(expected);
  });

  it('set up again when its device is not there', () => {
    const { path: _, ...gone } = { ...status, active: false };
    expect(said('disk/d', { desired: { 'disk/d': spec }, observed: { 'disk/d': gone } } as never)).toBe(
      'disk.provision: its device is not there',
    );
  });

  it('kept while a mounted volume lies on it', () => {
    const used = (sources: readonly string[]) =>
      ({ observed: { 'disk/d': status, [ROOT]: mountedRoot({ sources }) } }) as never as Given;
    expect(said('disk/d', used(['/elsewhere', '/d/file']))).toContain(`waiting for ${ROOT}`);
    expect(said('disk/d', used(['/elsewhere']))).toContain('disk.deactivate');
    expect(said('disk/d', used(['/dd/file']))).toContain('disk.deactivate');
  });
});

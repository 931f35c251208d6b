import { describe, expect, it } from 'vitest';
import { reconcileContainer } from '../../reconcilers/container.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  planFor,
  recovery,
  rootVolume,
  run,
  running,
  sentence,
} from './given.ts';

const REF = 'container/web';
const ROOT = 'volume/web/root.squashfs';
const trial = { revision: '2', hash: 'h2', fallback: '1', startedAtMs: 0, interrupted: false };
const onTrial = { 'update/device': { committed: { revision: '1', hash: 'h1' }, failures: {}, trial } } as const;
const openGroup = { desired: { 'group/app': groupSpec() }, observed: { 'group/app': opened() } };

const plan = (given: Given, nowMs = 3000): string =>
  sentence(
    planFor(
      reconcileContainer,
      REF,
      {
        ...given,
        desired: { ...openGroup.desired, ...given.desired },
        observed: { ...openGroup.observed, ...given.observed },
      },
      nowMs,
    ),
  );

describe('a container that should run', () => {
  it('is installed first', () => {
    expect(plan({ desired: { [REF]: containerSpec() } })).toBe('container.install: it is part of the revision');
  });

  it('is stalled when it can never start, with the reason', () => {
    expect(plan({ desired: { [REF]: containerSpec({ unsupported: 'type docker: not supported' }) } })).toBe(
      'stalled: type docker: not supported',
    );
  });

  it('waits for its group to open', () => {
    const given = {
      desired: { [REF]: containerSpec(), 'group/app': groupSpec({ revision: '2@bbb' }) },
      observed: { [REF]: installed() },
    };
    expect(plan(given)).toBe('waiting for group/app: group app is not open yet');
  });

  it('waits for its volumes', () => {
    const given = {
      desired: { [REF]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume },
      observed: { [REF]: installed() },
    };
    expect(plan(given)).toBe(`waiting for ${ROOT}: a volume is not mounted yet`);
  });

  it('is not started while a volume shows something else', () => {
    const given = {
      desired: { [REF]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume },
      observed: { [REF]: installed(), [ROOT]: mountedRoot({ sources: ['/storage/objects/bb'] }) },
    };
    expect(plan(given)).toBe(`waiting for ${ROOT}: a volume is not mounted yet`);
  });

  it('is started when all is there, and told which trees it was given', () => {
    const given = {
      desired: { [REF]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume, 'group/app': groupSpec() },
      observed: { [REF]: installed(), [ROOT]: mountedRoot(), 'group/app': opened() },
    };
    expect(planFor(reconcileContainer, REF, given)).toMatchObject({
      outcome: 'acting',
      next: { type: 'container.start', volumes: { [ROOT]: '7:0:/' } },
    });
  });

  it('rests at MOUNTED when that is its goal', () => {
    const given = { desired: { [REF]: containerSpec({ statusGoal: 'MOUNTED' }) }, observed: { [REF]: installed() } };
    expect(plan(given)).toBe('converged');
  });

  it('is left alone while it runs', () => {
    expect(plan({ desired: { [REF]: containerSpec() }, observed: { [REF]: running() } })).toBe('converged');
  });

  it('is unfrozen when somebody froze it', () => {
    expect(plan({ desired: { [REF]: containerSpec() }, observed: { [REF]: running({ frozen: true }) } })).toBe(
      'container.unfreeze: it was frozen by somebody else',
    );
  });
});

describe('a running container must stop', () => {
  const cases: [string, Given, string][] = [
    ['when no revision wants it', { observed: { [REF]: running() } }, 'it is not part of the revision'],
    [
      'when its definition changed',
      { desired: { [REF]: containerSpec({ definition: 'd2', revision: '2' }) }, observed: { [REF]: running() } },
      'its definition changed in revision 2',
    ],
    [
      'when a restart was requested',
      { desired: { [REF]: containerSpec({ generation: 1 }) }, observed: { [REF]: running() } },
      'a restart was requested',
    ],
    [
      'when the operator stopped it',
      { desired: { [REF]: containerSpec({ stopped: true }) }, observed: { [REF]: running() } },
      'the operator stopped it',
    ],
    [
      'when a volume was replaced under it',
      {
        desired: { [REF]: containerSpec(), [ROOT]: rootVolume },
        observed: { [REF]: running({ run: run({ volumes: { [ROOT]: '7:3:/' } }) }), [ROOT]: mountedRoot() },
      },
      `${ROOT} is not what it was started with`,
    ],
    [
      'when a writable directory of its root was removed',
      { desired: { [REF]: containerSpec() }, observed: { [REF]: running({ rootIntact: false }) } },
      'a directory of its root file system was removed',
    ],
  ];
  it.each(cases)('%s', (_, given, reason) => {
    expect(plan(given)).toBe(`container.halt: ${reason}`);
  });

  it('but not because a volume is off: that is mounted again first', () => {
    const given = {
      desired: { [REF]: containerSpec(), [ROOT]: rootVolume },
      observed: { [REF]: running({ run: run({ volumes: { [ROOT]: '7:3:/' } }) }) },
    };
    expect(plan(given)).toBe('converged');
  });

  it('after those that were started later', () => {
    const given = { observed: { [REF]: running({ rank: 1 }), 'container/app': running({ rank: 2 }) } };
    expect(plan(given)).toBe(
      'waiting for container/app: it is not part of the revision; those that were started after it stop first',
    );
  });

  it('together with those of its own group', () => {
    const given = { observed: { [REF]: running({ rank: 1 }), 'container/app': running({ rank: 1 }) } };
    expect(plan(given)).toBe('container.halt: it is not part of the revision');
  });

  it('and gets five seconds, then the kill', () => {
    const given = { observed: { [REF]: running({ run: run({ stopRequestedAtMs: 3000 }) }) } };
    expect(plan(given, 7999)).toBe(
      'waiting for time until 8000: it is not part of the revision; it has the halt signal and some time',
    );
    expect(plan(given, 8000)).toBe('container.kill: it is not part of the revision; it did not stop in 5 s');
  });

  it('by the kill at once when frozen, as it cannot take a signal', () => {
    expect(plan({ observed: { [REF]: running({ frozen: true }) } })).toBe(
      'container.kill: it is not part of the revision',
    );
  });
});

describe('a container that has ended', () => {
  const code = (value: number) => ({ type: 'code', code: value }) as const;

  it('lets go of its volumes first', () => {
    const given = {
      desired: { [REF]: containerSpec({ volumes: [ROOT] }), [ROOT]: rootVolume },
      observed: { [REF]: exited(code(1)), [ROOT]: mountedRoot() },
    };
    expect(plan(given)).toBe(`waiting for ${ROOT}: its volumes are unmounted before it may start again`);
  });

  it('is removed when no revision wants it', () => {
    expect(plan({ observed: { [REF]: exited(code(0)) } })).toBe('container.remove: it is not part of the revision');
  });

  it('keeps its record until the last volume is off', () => {
    expect(plan({ observed: { [REF]: exited(code(0)), [ROOT]: mountedRoot() } })).toBe(
      `waiting for ${ROOT}: its volumes are still mounted`,
    );
  });

  it('starts anew at once when we stopped it to do so', () => {
    const given = {
      desired: { [REF]: containerSpec() },
      observed: { [REF]: exited(code(1), { run: run({ stopRequestedAtMs: 1500 }) }) },
    };
    expect(plan(given)).toBe('container.reset: it was stopped to be started anew');
  });

  it('rests when the operator stopped it', () => {
    const given = { desired: { [REF]: containerSpec({ stopped: true }) }, observed: { [REF]: exited(code(143)) } };
    expect(plan(given)).toBe('converged');
  });

  it('waits out its retry delay', () => {
    const autoRecovery = recovery({ retryDelaySeconds: 5 });
    const given = { desired: { [REF]: containerSpec({ autoRecovery }) }, observed: { [REF]: exited(code(3)) } };
    expect(plan(given, 6999)).toBe(
      "waiting for time until 7000: it ended with exit code 3; retry 1 by policy 'on-failure'",
    );
    expect(plan(given, 7000)).toBe("container.reset: it ended with exit code 3; retry 1 by policy 'on-failure'");
  });

  it('is done when it ended well under on-failure', () => {
    const given = {
      desired: { [REF]: containerSpec({ autoRecovery: recovery() }) },
      observed: { [REF]: exited(code(0)) },
    };
    expect(plan(given)).toBe('converged');
  });

  it('stalls during a trial when nothing recovers it, so that the trial is rolled back', () => {
    const given = { desired: { [REF]: containerSpec() }, observed: { ...onTrial, [REF]: exited(code(1)) } };
    expect(plan(given)).toBe('stalled: web: it ended with exit code 1');
  });
});

import { describe, expect, test } from 'vitest';
import type { ContainerSpec } from '../../../resources/kinds/container.ts';
import { aState, compiled, compiling, type StateBuilder } from '../../state-builder.ts';

const start = aState().group({ name: 'apps' });

const specOf = (
  run: Record<string, unknown>,
  more: (state: StateBuilder) => StateBuilder = (state) => state,
): ContainerSpec => compiled(more(start.container('web', { group: 'apps', ...run }))).containers[0] as ContainerSpec;

const problemsOf = (state: StateBuilder): readonly string[] => {
  const result = compiling(state);
  return result.ok ? [] : result.problems.map(({ message }) => message);
};

test('a container as pvr writes it', () => {
  expect(specOf({})).toEqual({
    name: 'web',
    order: 0,
    revision: 'locals/test',
    definition: expect.stringMatching(/^[0-9a-f]{64}$/),
    group: 'group/apps',
    statusGoal: 'STARTED',
    restartPolicy: 'container',
    roles: ['mgmt'],
    volumes: ['volume/web/root.squashfs', 'volume/web/lxc-overlay'],
    directory: '/storage/trails/locals/test/web',
    configFile: '/storage/trails/locals/test/web/lxc.container.conf',
    bindModulesAndFirmware: true,
    loggers: [
      { path: '/var/log/syslog', truncateAtBytes: 2_097_152 },
      { path: '/var/log/messages', truncateAtBytes: 2_097_152 },
    ],
    stopped: false,
    generation: 0,
  });
});

test.each([
  [{ roles: [] }, { roles: [] }],
  [{ roles: ['nobody'] }, { roles: [] }],
  [{ roles: ['mgmt'] }, { roles: ['mgmt'] }],
  [{ roles: ['nobody', 'mgmt'] }, { roles: ['mgmt'] }],
  [{ automodfw: 'no' }, { bindModulesAndFirmware: false }],
  [{ automodfw: 'yes' }, { bindModulesAndFirmware: true }],
  [{ 'dev-log': false }, { devLog: false }],
  [
    { status_goal: 'READY', restart_policy: 'system' },
    { statusGoal: 'READY', restartPolicy: 'system' },
  ],
  [{ network: { mode: 'host' } }, {}],
  [{ network: { mode: 'pool' } }, {}],
])('run.json with %j gives %j', (run, spec) => {
  const compiledSpec = specOf(run);
  expect(compiledSpec).toMatchObject(spec);
  expect(compiledSpec).not.toHaveProperty('unsupported');
});

test.each([
  [[{ file: '/var/log/app' }], [{ path: '/var/log/app' }]],
  [[{ file: '/a', truncate: 'true', maxsize: '4096' }], [{ path: '/a', truncateAtBytes: 4096 }]],
  [[{ file: '/a', truncate: true, maxsize: 4096 }], [{ path: '/a', truncateAtBytes: 4096 }]],
  [[{ file: '/a', truncate: 'true' }], [{ path: '/a', truncateAtBytes: 2_097_152 }]],
  [[{ file: '/a', maxsize: '4096' }], [{ path: '/a' }]],
  [[{ file: '/a', truncate: 'true', maxsize: 'lots' }], [{ path: '/a' }]],
  [[{ file: 'relative' }], [{ path: '/relative' }]],
  [[{ name: 'x' }], [{ path: '/var/log/messages' }]],
  [[{ console: 'enable' }, { file: '/a' }], [{ path: '/a' }]],
  [[{ file: '/a' }, { file: '/a', truncate: 'true' }], [{ path: '/a', truncateAtBytes: 2_097_152 }]],
])('run.json with logs %j follows %j', (logs, loggers) => {
  expect(specOf({ logs }).loggers).toEqual(loggers);
});

test('entries about console and LXC alone leave the files that are followed by default', () => {
  expect(specOf({ logs: [{ lxc: 'enable' }, { console: 'enable' }] }).loggers).toEqual(specOf({}).loggers);
});

test('more files than can be followed are not, with a warning', () => {
  const logs = Array.from({ length: 20 }, (_, index) => ({ file: `/log${index}` }));
  const result = compiling(start.container('web', { logs }));
  expect(compiled(start.container('web', { logs })).containers[0]?.loggers).toHaveLength(16);
  expect(result.ok && result.warnings.map(({ message }) => message).join()).toContain('at most 16 files to follow');
});

test('/dev/log is decided by the container, else by the device', () => {
  const devLogOf = (run: Record<string, unknown>, devLogDefault: boolean) =>
    compiled(start.container('web', run), { devLogDefault }).containers[0]?.devLog;
  expect([devLogOf({}, true), devLogOf({}, false), devLogOf({ 'dev-log': true }, false)]).toEqual([true, false, true]);
});

test.each([
  ['dev-log', 'true', 'true or false', 'web/run.json.dev-log is left out', {}],
  ['automodfw', 'never', 'one of "yes", "no"', '"yes" is used instead', { bindModulesAndFirmware: true }],
  ['volumes', null, 'a list', 'web/run.json.volumes is left out', {}],
])('%s: %j is only warned about', (key, value, expected, hint, spec) => {
  const result = compiling(start.container('web', { group: 'apps', [key]: value }));
  expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
    `web/run.json.${key} is ${JSON.stringify(value)}, expected ${expected}; ${hint}`,
  ]);
  expect(result.ok && result.state.containers[0]).toMatchObject(spec);
});

test('an unknown role is left out', () => {
  expect(specOf({ roles: ['admin', 'mgmt'] }).roles).toEqual(['mgmt']);
});

describe('a container that can never be started says why', () => {
  const NO_CONFIG =
    'web/run.json names no LXC configuration: add "config": "lxc.container.conf" and that file, or give it "status_goal": "MOUNTED"';
  test.each([
    [{ type: undefined }, 'web/run.json has no type: add "type": "lxc", or give it "status_goal": "MOUNTED"'],
    [{ type: 'docker' }, 'web/run.json has type "docker": only "lxc" can be started'],
    [{ config: undefined }, NO_CONFIG],
    [{ network: { pool: 'p' } }, 'network pool p is unknown: declare it in device.json, network.pools'],
    [
      { services: { required: [{ name: 'mqtt' }, 'dns'] } },
      'web/run.json requires service mqtt, dns, which no container exports: add a container whose services.json does, or make it optional',
    ],
  ])('%j', (run, unsupported) => {
    expect(specOf(run).unsupported).toBe(unsupported);
  });

  test('a known pool is not supported yet', () => {
    const pools = { p: { bridge: 'br0', subnet: '10.0.0.0/24', gateway: '10.0.0.1' } };
    const state = aState()
      .with('device.json', { groups: [{ name: 'apps' }], network: { pools } })
      .container('web', { network: { mode: 'pool', pool: 'p' } });
    expect(compiled(state).containers[0]?.unsupported).toMatch(/^network pool p: not supported yet/);
  });

  test('one that is only mounted needs neither type nor configuration', () => {
    const spec = specOf({ status_goal: 'MOUNTED', type: undefined, config: undefined });
    expect(spec).not.toHaveProperty('unsupported');
    expect(spec).not.toHaveProperty('configFile');
  });
});

test.each([
  ['a list of services', [{ name: 'mqtt', type: 'unix', socket: '/run/x' }]],
  ['an object with services', { '#spec': 'service-manifest-xconnect@1', services: [{ name: 'mqtt' }] }],
  ['one good service among bad ones', { services: [7, { socket: 'x' }, { name: 'mqtt' }] }],
])('a required service is there when another container exports it: %s', (_, services) => {
  const state = start.container('broker').with('broker/services.json', services);
  const { containers } = compiled(state.container('web', { services: { required: [{ name: 'mqtt' }] } }));
  expect(containers.map(({ unsupported }) => unsupported)).toEqual([undefined, undefined]);
});

test('a services.json never refuses a document', () => {
  const result = compiling(start.container('web', { group: 'apps' }).with('web/services.json', 'none'));
  expect(result.ok && result.warnings.map(({ path }) => path)).toEqual(['web/services.json']);
});

test.each([
  ['bsp2', undefined],
  ['__proto__', undefined],
  ['constructor', undefined],
  ['a.b-c_9', undefined],
  ['a'.repeat(63), undefined],
  ['a'.repeat(64), 'a container name of at most 63 characters'],
  ['_config', "a container name that is not one of Pantavisor's own"],
  ['pantavisor', "a container name that is not one of Pantavisor's own"],
  ['_pv_', "a container name that is not one of Pantavisor's own"],
  ['current', "a container name that is not one of Pantavisor's own"],
  ['-x', expect.stringContaining('a container name of letters, digits')],
  ['.x', expect.stringContaining('a container name of letters, digits')],
  ['a b', expect.stringContaining('a container name of letters, digits')],
  ['a:b', expect.stringContaining('a container name of letters, digits')],
  ['ä', expect.stringContaining('a container name of letters, digits')],
])('the container name %j', (name, expected) => {
  const result = compiling(start.container(name));
  const problems = result.ok ? [] : result.problems.map((problem) => [problem.path, problem.expected]);
  expect(problems).toEqual(expected === undefined ? [] : [[`${name}/run.json`, expected]]);
});

test('names that differ in case only are refused, because some file systems cannot tell', () => {
  expect(problemsOf(start.container('Web').container('web'))).toEqual([
    'web/run.json is "web", expected a name that differs from "Web" in more than upper and lower case',
  ]);
});

test.each([
  [
    'another name than the directory',
    { name: 'other' },
    'web/run.json.name is "other", expected "web", the directory of this run.json',
  ],
  ['no name', { name: undefined }, 'web/run.json.name is nothing, expected a string'],
  ['no name but null', { name: null }, 'web/run.json.name is nothing, expected a string'],
  [
    'an unknown goal',
    { status_goal: 'RUNNING' },
    'web/run.json.status_goal is "RUNNING", expected one of "MOUNTED", "STARTED", "READY"',
  ],
  [
    'an unknown policy',
    { restart_policy: 'always' },
    'web/run.json.restart_policy is "always", expected one of "system", "container"',
  ],
  ['an empty log', { logs: [{}] }, 'web/run.json.logs[0] is {}, expected an object with at least one key'],
  ['a log that is none', { logs: ['x'] }, 'web/run.json.logs[0] is "x", expected an object'],
  [
    'drivers that are no list',
    { drivers: { required: 'wifi' } },
    'web/run.json.drivers.required is "wifi", expected a list',
  ],
  [
    'a configuration elsewhere',
    { config: '../x' },
    'web/run.json.config is "../x", expected a path relative to the directory of the container',
  ],
  [
    'a configuration that is missing',
    { config: 'x' },
    'web/run.json.config is "x", expected a file of the state, but it has no key "web/x"',
  ],
  ['a number as group', { group: 7 }, 'web/run.json.group is 7, expected a string'],
])('%s is refused', (_, run, message) => {
  expect(problemsOf(start.container('web', run))).toEqual([message]);
});

test.each([
  ['text', 'hello', 'web/run.json is "hello", expected an object'],
  ['a list', [], 'web/run.json is [], expected an object'],
])('a run.json that is %s is refused', (_, run, message) => {
  expect(problemsOf(start.with('web/run.json', run))).toEqual([message]);
});

test.each([
  ['an empty run.json', 'web/run.json', {}],
  ['a run.json with a #spec only', 'web/run.json', { '#spec': 'service-manifest-run@1' }],
  ['a run.json further below', 'web/sub/run.json', { name: 'sub' }],
  ['a run.json of an overlay', '_config/web/run.json', { name: 'web' }],
  ['a run.json among the signatures', '_sigs/run.json', { name: '_sigs' }],
])('%s declares no container', (_, key, run) => {
  expect(compiled(start.with(key, run)).containers).toEqual([]);
});

test('_config of a container is the topmost layer of its root', () => {
  const overlayOf = (key: string) => specOf({}, (state) => state.object(key)).configOverlay;
  expect(overlayOf('_config/web/etc/motd')).toBe('/storage/trails/locals/test/_config/web');
  expect(overlayOf('_config/web2/etc/motd')).toBeUndefined();
  expect(overlayOf('_config/web/src.json')).toBeUndefined();
});

describe('the definition of a container', () => {
  const base = specOf({}).definition;
  test.each([
    ['its run.json', (state: StateBuilder) => state.container('web', { group: 'apps', exports: ['/x'] })],
    ['one of its objects', (state: StateBuilder) => state.object('web/root.squashfs', 'new')],
    ['a new object', (state: StateBuilder) => state.object('web/deep/new')],
    ['its overlay', (state: StateBuilder) => state.object('_config/web/etc/motd')],
  ])('changes with %s', (_, change) => {
    expect(specOf({}, change).definition).not.toBe(base);
  });

  test.each([
    ['its notes', (state: StateBuilder) => state.with('web/src.json', { tag: 'new' }).with('web/build.json', {})],
    ['its signature', (state: StateBuilder) => state.with('_sigs/web.json', {})],
    ['its group', (state: StateBuilder) => state.with('groups.json', [{ name: 'apps', timeout: 7 }])],
    ['another container', (state: StateBuilder) => state.container('web2').object('_config/web2/x')],
    [
      'the order of its keys',
      (state: StateBuilder) =>
        state.with('web/run.json', Object.fromEntries(Object.entries(state.toValue()['web/run.json'] ?? {}).reverse())),
    ],
    ['a file at the root', (state: StateBuilder) => state.object('README.md')],
  ])('does not change with %s', (_, change) => {
    expect(specOf({}, change).definition).toBe(base);
  });
});

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { stateJsonSchema } from '../../resources/state-format/json-schema.ts';
import { type ReadState, readState } from '../../resources/state-format/read-state.ts';
import { aState, testContext } from '../state-builder.ts';

const FIXTURES = ['factory', 'gateway', 'custom-groups'] as const;

const bytesOf = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url));
const read = (name: string, appengine = true): Extract<ReadState, { ok: true }> => {
  const result = readState(bytesOf(name), testContext({ appengine }));
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
};
const tableOf = (name: string) =>
  read(name).state.containers.map(({ name, group, statusGoal, restartPolicy }) =>
    [name, group.slice('group/'.length), statusGoal, restartPolicy].join(' '),
  );

test('a factory state with runlevels and a BSP', () => {
  expect(tableOf('factory')).toEqual([
    'alpine-hotspot root STARTED system',
    'hwdata data MOUNTED system',
    'nodered app STARTED container',
    'pv-avahi platform STARTED system',
    'pvr-sdk platform STARTED system',
  ]);
  expect(read('factory').warnings).toEqual([]);
});

test('a gateway with device.json', () => {
  expect(tableOf('gateway')).toEqual([
    'awconnect root STARTED system',
    'frontend app STARTED container',
    'legacy app STARTED container',
    'models data MOUNTED system',
    'mosquitto platform READY system',
    'os root STARTED system',
    'tailscale platform STARTED system',
    'updater app STARTED system',
  ]);
  const { state, warnings } = read('gateway');
  expect(warnings.map(({ path }) => path)).toEqual(['device.json.disks_v3[0].type', 'legacy/run.json.group']);
  const unsupported = Object.entries(state.resources).filter(([, spec]) => 'unsupported' in spec);
  expect(unsupported.map(([ref]) => ref)).toEqual(['disk/dm-internal-secrets', 'volume/legacy/root.squashfs']);
});

test('a state with groups.json, disks.json and disks_v3.json', () => {
  expect(tableOf('custom-groups')).toEqual([
    'broker infra READY system',
    'grafana apps STARTED container',
    'kiosk apps STARTED container',
    'metrics infra READY system',
    'worker apps READY container',
  ]);
});

test('signatures and notes are neither installed nor linked; everything else is', () => {
  const { state, document } = read('gateway');
  const installed = [...state.objects, ...state.files].map(({ path }) => path);
  const left = [...document.entries.keys()].filter((key) => !installed.includes(key));
  expect(left.filter((key) => !/\/(src|build)\.json$/.test(key))).toEqual([
    '#spec',
    '_sigs/frontend.json',
    '_sigs/os.json',
  ]);
  expect(state.files.map(({ path }) => path)).toContain('legacy/_dm/root.squashfs.json');
});

test('what later stages need is kept', () => {
  const { state } = read('gateway', false);
  expect(state.bsp).toMatchObject({ linux: 'kernel.img', modules: 'modules.squashfs' });
  expect(state.drivers.get('all')?.get('bluetooth')).toEqual(['hci_uart', 'btintel']);
  expect([...state.drivers.keys()]).toEqual(['all']);
  expect(state.device.pools.get('internal')).toMatchObject({ gateway: '10.0.5.1' });
  expect([...state.device.volumes.keys()]).toEqual(['pv--devmeta', 'pv--usrmeta']);
  expect(state.manifests['mosquitto']?.exports).toMatchObject([{ name: 'mqtt' }]);
  expect(state.manifests['tailscale']?.run.drivers?.required).toEqual(['wifi']);
  expect(read('gateway', true).state).not.toHaveProperty('bsp');
});

describe('the BSP', () => {
  const problemsOf = (state: ReturnType<typeof aState>, appengine: boolean): readonly string[] => {
    const result = readState(state.toBytes(), testContext({ appengine }));
    return result.ok ? [] : result.problems.map(({ message }) => message);
  };

  test('is checked on a device, and somebody else’s matter in appengine mode', () => {
    const state = aState().with('bsp/run.json', { linux: 'kernel.img' });
    expect(problemsOf(state, false)).toEqual([
      'bsp/run.json.initrd is nothing, expected a file name, because neither fit nor rpiab is given',
    ]);
    expect(problemsOf(state, true)).toEqual([]);
    expect(problemsOf(aState().with('bsp/run.json', { fit: 'pantavisor.fit' }), false)).toEqual([]);
  });

  test('has sections of drivers that must be objects', () => {
    expect(problemsOf(aState().with('bsp/drivers.json', { all: ['wifi'] }), true)).toEqual([
      'bsp/drivers.json.all is ["wifi"], expected an object',
    ]);
    expect(problemsOf(aState().with('bsp/drivers.json', { all: { wifi: 'x' }, 'dtb:x': 7 }), true)).toEqual([]);
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv2020({ strict: false }).compile(stateJsonSchema());
  const faultsOf = (value: unknown): readonly string[] =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath);

  test.each(FIXTURES.filter((name) => name !== 'gateway'))('accepts %s', (name) => {
    expect(faultsOf(JSON.parse(new TextDecoder().decode(bytesOf(name))))).toEqual([]);
  });

  test('is stricter than the reader where that forgives', () => {
    expect(faultsOf(JSON.parse(new TextDecoder().decode(bytesOf('gateway'))))).toEqual([
      '/device.json/disks_v3/0/type',
    ]);
  });

  test.each([
    ['no #spec', aState().with('#spec', undefined), ''],
    ['an unknown goal', aState().container('web', { status_goal: 'UP' }), '/web~1run.json/status_goal'],
    [
      'an unknown persistence',
      aState().container('web', { storage: { data: { persistence: 'x' } } }),
      '/web~1run.json/storage/data/persistence',
    ],
    ['a volume without extension', aState().container('web', { 'root-volume': 'x' }), '/web~1run.json/root-volume'],
    ['a negative timeout', aState().group({ name: 'a', timeout: -1 }), '/groups.json/0/timeout'],
    ['an unknown disk type', aState().disk({ name: 'a', type: 'x' }), '/disks.json/0/type'],
    ['text instead of an object', aState().with('README.md', 'hello'), '/README.md'],
    ['a path that climbs', aState().object('web/../x'), ''],
  ])('refuses %s', (_, state, place) => {
    expect(faultsOf(state.toValue())).toContain(place);
  });
});

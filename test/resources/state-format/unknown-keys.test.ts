import { expect, test } from 'vitest';
import { readState } from '../../../resources/state-format/read-state.ts';
import { aState, type StateBuilder, testContext } from '../../state-builder.ts';

const warningsOf = (state: StateBuilder): readonly string[] => {
  const read = readState(state.toBytes(), testContext());
  return read.ok
    ? read.warnings.map(({ message }) => message)
    : read.problems.map(({ message }) => `refused: ${message}`);
};

const base = aState().group({ name: 'apps' });
const web = (run: Readonly<Record<string, unknown>>): StateBuilder => base.container('web', { group: 'apps', ...run });
const key = (path: string, meant: string): string =>
  `web/run.json${path} is an unknown key, expected a key of this manifest; nothing reads it; did you mean "${meant}"?`;

test.each<[string, StateBuilder, readonly string[]]>([
  ['a good one', web({}), []],
  ['remarks', web({ _note: 'x', '#note': 'x' }), []],
  ['a misspelt key', web({ restart_polcy: 'system' }), [key('.restart_polcy', 'restart_policy')]],
  ['another', web({ volums: [] }), [key('.volums', 'volumes')]],
  ['one inside', web({ auto_recovery: { polcy: 'always' } }), [key('.auto_recovery.polcy', 'policy')]],
  [
    'one below a name',
    web({ storage: { data: { persistence: 'boot', dsik: 'a' } } }),
    [key('.storage.data.dsik', 'disk')],
  ],
  [
    'one of a group',
    base.with('groups.json', [{ name: 'apps', timout: 5 }]).container('web', { group: 'apps' }),
    [
      'groups.json[0].timout is an unknown key, expected a key of this manifest; nothing reads it; did you mean "timeout"?',
    ],
  ],
  [
    'one like no other',
    web({ xylophone: 1 }),
    ['web/run.json.xylophone is an unknown key, expected a key of this manifest; nothing reads it'],
  ],
])('of %s, unknown keys are warnings', (_, state, expected) => {
  expect(warningsOf(state)).toEqual(expected);
});

test('an unknown persistence loses nothing', () => {
  expect(warningsOf(web({ storage: { data: { persistence: 'forever' } } }))).toEqual([
    expect.stringMatching(/^web\/run\.json\.storage\.data\.persistence is "forever", .*"permanent" is used instead$/),
  ]);
});

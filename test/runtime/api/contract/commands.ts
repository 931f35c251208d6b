/** Commands. */
import type { ApiDeps } from '../../../../runtime/api/ports.ts';
import { type Extra, errorOf, NO_ROOM, of } from './row.ts';

const command = (op: string, payload: unknown = ''): string => JSON.stringify({ op, payload });
const commands = (changes: Partial<ApiDeps['commands']>): Extra => ({
  given: {
    commands: {
      isUpdating: () => false,
      hasDebugShell: () => true,
      hub: () => 'disabled',
      begin: () => true,
      attempt: async () => undefined,
      ...changes,
    },
  },
});
const UPDATING = commands({ isUpdating: () => true });
const BAD_FORMAT = errorOf('Command has bad format');
const DURING = ['REBOOT_DEVICE', 'POWEROFF_DEVICE', 'LOCAL_RUN', 'LOCAL_RUN_COMMIT', 'MAKE_FACTORY', 'UNCLAIM'];
const ACCEPTED = [
  ...['REBOOT_DEVICE', 'POWEROFF_DEVICE', 'TRY_ONCE', 'LOCAL_RUN', 'MAKE_FACTORY', 'RUN_GC', 'ENABLE_SSH'],
  ...['DISABLE_SSH', 'DEFER_REBOOT', 'LOCAL_RUN_COMMIT', 'LOCAL_APPLY', 'XCONNECT_GRAPH'],
];

export const COMMANDS = of(
  'POST /commands',
  ...ACCEPTED.map((op): Parameters<typeof of>[1] => [op, '/commands', command(op), 200, '']),
  ['the payload is a number', '/commands', command('REBOOT_DEVICE', 5), 200, ''],
  ['4097 bytes', '/commands', ' '.repeat(4097), 507, errorOf(NO_ROOM)],
  ['unknown', '/commands', command('DANCE'), 400, BAD_FORMAT],
  ['no payload', '/commands', '{"op":"REBOOT_DEVICE"}', 400, BAD_FORMAT],
  ['no op', '/commands', '{"payload":""}', 400, BAD_FORMAT],
  ['no JSON', '/commands', 'REBOOT_DEVICE', 400, BAD_FORMAT],
  ['nothing', '/commands', '', 400, BAD_FORMAT],
  [
    'local mode',
    '/commands',
    command('UPDATE_METADATA', '{}'),
    409,
    errorOf('Cannot do this operation while on local mode'),
    { head: 'http/1.1 409 conflict\r\n' },
  ],
  ...DURING.map((op): Parameters<typeof of>[1] => [
    `${op} during an update`,
    '/commands',
    command(op),
    503,
    errorOf('Cannot do this operation while update is ongoing'),
    { ...UPDATING, head: '\r\nretry-after: 600\r\n' },
  ]),
  [
    'no Hub',
    '/commands',
    command('GO_REMOTE'),
    409,
    errorOf('Cannot do this operation when remote mode is disabled by config'),
  ],
  [
    'no debug shell',
    '/commands',
    command('DEFER_REBOOT', '60'),
    409,
    errorOf('Cannot do this operation when debug shell is not active'),
    commands({ hasDebugShell: () => false }),
  ],
  [
    'in remote mode',
    '/commands',
    command('UPDATE_METADATA', '{"a":"b"}'),
    200,
    '',
    commands({ hub: () => 'remote, claimed' }),
  ],
  ['a local revision runs', '/commands', command('GO_REMOTE'), 200, '', commands({ hub: () => 'local, claimed' })],
  ['remote already', '/commands', command('GO_REMOTE'), 204, '', commands({ hub: () => 'remote, unclaimed' })],
  ['claimed', '/commands', command('UNCLAIM'), 200, '', commands({ hub: () => 'remote, claimed' })],
  [
    'it has an owner',
    '/commands',
    command('MAKE_FACTORY'),
    409,
    errorOf('Cannot do this operation if device is already claimed'),
    commands({ hub: () => 'remote, claimed' }),
  ],
  ['unclaimed', '/commands', command('UNCLAIM'), 204, '', { head: 'http/1.1 204 no content\r\n' }],
  [
    'the slot is taken',
    '/commands',
    command('RUN_GC'),
    503,
    errorOf('A command is already in progress. Try again'),
    { ...commands({ begin: () => false, attempt: () => undefined }), head: '\r\nretry-after: 120\r\n' },
  ],
);

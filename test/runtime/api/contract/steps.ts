/** Revisions. */
import type { ApiDeps } from '../../../../runtime/api/ports.ts';
import type { InstallOutcome } from '../../../../runtime/api/step-endpoints.ts';
import { type Extra, errorOf, NO_ROOM, of, refused } from './row.ts';

/** With a blank: it is sent as it came. */
const STATE_TEXT = '{"#spec": "pantavisor-service-system@1"}';
const PROGRESS = '{"status":"DONE","status-msg":"Factory revision","progress":100,"retries":0}';
const progress = { given: { progress: async () => PROGRESS } };

const installing = (changes: Partial<ApiDeps['installing']>): Extra => ({
  given: {
    installing: {
      running: () => 'locals/a',
      document: async () => Buffer.from(STATE_TEXT),
      install: async () => 'installed',
      setCommitMessage: async () => true,
      ...changes,
    },
  },
});
const install = (outcome: InstallOutcome): Extra => installing({ install: async () => outcome });
const NOT_FOUND = errorOf('Resource does not exist');
const STATE = '/steps/locals/a';
const missing = installing({ document: async () => undefined });
const stepOf = (name: string) => ({ name, date: new Date(Date.UTC(2024, 4, 1, 10)), commitMessage: 'a "b"' });

const message = (url: string): Parameters<typeof of>[1][] => [
  ['said', url, 'better', 200, ''],
  ['256 bytes', url, 'x'.repeat(256), 200, ''],
  ['257 bytes', url, 'x'.repeat(257), 507, errorOf(NO_ROOM)],
  ['nothing', url, '', 400, errorOf('No commit message')],
  ['the disk fails', url, 'x', 500, errorOf('Cannot write message'), installing({ setCommitMessage: refused })],
  ['no such revision', url, 'x', 404, NOT_FOUND, installing({ setCommitMessage: async () => false })],
];

export const STEPS = [
  ...of(
    'GET /steps',
    [
      'there are two',
      '/steps',
      undefined,
      200,
      '[{"name":"0", "date":"2024-05-01T10:00:00Z", "commitmsg":"a \\u0022b\\u0022", "progress":' +
        PROGRESS +
        '},' +
        '{"name":"locals/a", "date":"2024-05-01T10:00:00Z", "commitmsg":"a \\u0022b\\u0022", "progress":{}}]',
      {
        given: {
          steps: async () => [
            { ...stepOf('0'), progress: PROGRESS },
            { ...stepOf('locals/a'), progress: `{"logs":"${'x'.repeat(512)}"}` },
          ],
        },
      },
    ],
    ['the disk fails', '/steps', undefined, 500, errorOf("couldn't get device steps"), { given: { steps: refused } }],
  ),
  ...of(
    'GET /steps/{}',
    ['it is there', '/steps/0', undefined, 200, STATE_TEXT, installing({})],
    ['empty segments', '//steps///0/', undefined, 200, STATE_TEXT, installing({})],
    ['current', '/steps/current', undefined, 200, STATE_TEXT, installing({})],
    ['it is not there', '/steps/7', undefined, 404, NOT_FOUND, missing],
    ['with a query, which is part of the name', '/steps/0?a', undefined, 404, NOT_FOUND, installing({})],
  ),
  ...of(
    'GET /steps/locals/{}',
    ['it is there', STATE, undefined, 200, STATE_TEXT, installing({})],
    ['it is not there', STATE, undefined, 404, NOT_FOUND, missing],
  ),
  ...of(
    'PUT /steps/locals/{}',
    ['installed', STATE, '{}', 200, ''],
    ['a name of 65', `/steps/locals/${'x'.repeat(65)}`, '{}', 400, errorOf('Request has bas step name')],
    ['unreadable', STATE, '{}', 422, errorOf('Storage: Cannot read state JSON'), install('unreadable')],
    ['no state', STATE, '{}', 422, errorOf('Parser: State JSON has bad format'), install('bad format')],
    ['no room', STATE, '{}', 507, errorOf(NO_ROOM), install('no room')],
    ['the disk fails', STATE, '{}', 500, errorOf('Upload error'), installing({ install: refused })],
    [
      'the device falls back to it',
      STATE,
      '{}',
      409,
      errorOf('Revision is in use, its state cannot be replaced: choose another name'),
      install('in use'),
    ],
  ),
  ...of(
    'GET /steps/{}/progress',
    ['it is there', '/steps/0/progress', undefined, 200, PROGRESS, progress],
    ['current', '/steps/current/progress', undefined, 200, PROGRESS, progress],
    ['it is not there', '/steps/7/progress', undefined, 404, NOT_FOUND],
  ),
  ...of(
    'GET /steps/locals/{}/progress',
    ['it is there', '/steps/locals/a/progress', undefined, 200, PROGRESS, progress],
    ['it is not there', '/steps/locals/b/progress', undefined, 404, NOT_FOUND],
  ),
  ...of('PUT /steps/{}/commitmsg', ...message('/steps/1/commitmsg')),
  ...of('PUT /steps/locals/{}/commitmsg', ...message('/steps/locals/a/commitmsg')),
];

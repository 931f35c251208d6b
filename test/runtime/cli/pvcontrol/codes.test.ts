/** What no device answers when one wants it to; and what commands ask, where the tests with a device do not tell. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { socketPlaces } from '../../../../runtime/cli/pvcontrol/client.ts';
import { type Ended, runProgram } from '../run-program.ts';
import { answer, type ScriptedSocket, scriptedSocket } from './scripted-socket.ts';

let socket: ScriptedSocket;
let state: string;
beforeAll(async () => {
  socket = await scriptedSocket();
  state = join(dirname(socket.path), 'state.json');
  writeFileSync(state, '{"#spec":"x"}');
});
afterAll(() => socket.close());
beforeEach(() => {
  socket.asked.length = 0;
});
const pvcontrol = (...args: readonly string[]): Promise<Ended> => runProgram('pvcontrol', ['-s', socket.path, ...args]);

const SHA = 'a'.repeat(64);

it.each<[string, string]>([
  ['list', 'GET /containers'],
  ['signal alive', 'POST /signal {"type":"alive","payload":""}'],
  ['devmeta save key -5', 'PUT /device-meta/key -5'],
  ['usrmeta save key -v', 'PUT /user-meta/key -v'],
  ['storage gc', 'POST /storage/gc'],
  [`objects get ${SHA}`, `GET /objects/${SHA}`],
  ['configuration ls', 'GET /config2'],
  ['graph ls', 'GET /xconnect-graph'],
  ['daemons ls', 'GET /daemons'],
  ['daemons stop hwrngd', 'PUT /daemons/hwrngd {"action":"stop"}'],
])('pvcontrol %s asks %s', async (words, request) => {
  socket.answers = [answer(200, 'body')];
  expect(await pvcontrol(...words.split(' '))).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^body\n?$/),
  });
  expect(socket.asked).toEqual([request]);
});

it('steps put sends the message after the state was taken, and not else', async () => {
  socket.answers = [answer(200)];
  expect(await pvcontrol('-m', 'for you', 'steps', 'put', state, 'locals/a')).toEqual({
    code: 0,
    stdout: '\n',
    stderr: '',
  });
  expect(socket.asked).toEqual(['PUT /steps/locals/a {"#spec":"x"}', 'PUT /steps/locals/a/commitmsg for you']);
  socket.answers = [answer(422, '{"Error":"no"}')];
  expect(await pvcontrol('-m', 'for you', 'steps', 'put', state, 'locals/a')).toMatchObject({ code: 255 });
  expect(socket.asked).toHaveLength(3);
});

it('daemons restart stops, and starts when that went well', async () => {
  socket.answers = [answer(200), answer(200)];
  expect((await pvcontrol('daemons', 'restart', 'x')).code).toBe(0);
  socket.answers = [answer(404, '{"Error":"Daemon not found"}')];
  expect((await pvcontrol('daemons', 'restart', 'x')).code).toBe(255);
  expect(socket.asked.map((request) => /"action":"(\w+)"/.exec(request)?.[1])).toEqual(['stop', 'start', 'stop']);
});

describe('an answer', () => {
  const ERROR = '{"Error":"Container not found"}';
  it.each<[string, string, number, string, string | RegExp]>([
    ['of two lines', answer(200, 'one\ntwo'), 0, 'one\ntwo\n', ''],
    ['without a body', answer(200), 0, '\n', ''],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n',
      0,
      '[1,2]\n',
      '',
    ],
    ['of HTTP/1.0 without a length', 'HTTP/1.0 200 OK\r\n\r\n[]', 0, '[]\n', ''],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 255, '', 'status 204\n'],
    ['403', answer(403, ERROR), 255, '', `${ERROR}\n`],
    ['busy', answer(503, ERROR, ['Retry-After: 120']), 75, '', `${ERROR}\n`],
    ['of no room', answer(507, '{"Error":"Not enough disk space available"}'), 48, '', /disk space/],
    ['of a bad checksum', answer(422, '{"Error":"Object has bad checksum"}'), 60, '', /checksum/],
    [
      'of another state that is not good',
      answer(422, '{"Error":"Parser: State JSON has bad format"}'),
      255,
      '',
      /Parser/,
    ],
    ['that never comes', '', 1, '', /^pvcontrol: asking .*pv-ctrl failed/],
    ['that is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 1, '', /^pvcontrol: asking .*pv-ctrl failed/],
    ['that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', 1, '', /^pvcontrol: .*/],
  ])('%s', async (_, raw, code, stdout, stderr) => {
    socket.answers = [raw];
    const ended = await pvcontrol('ls');
    expect(ended).toMatchObject({ code, stdout });
    if (typeof stderr === 'string') expect(ended.stderr).toBe(stderr);
    else expect(ended.stderr).toMatch(stderr);
  });

  it('to objects get is the output, whatever it says', async () => {
    socket.answers = [answer(400, '{"Error":"Request has bad object name"}')];
    expect(await pvcontrol('objects', 'get', SHA)).toEqual({
      code: 0,
      stdout: '{"Error":"Request has bad object name"}',
      stderr: '',
    });
  });
});

describe('a wrong command', () => {
  it.each([
    ['explode', /^ERROR: unknown operation\n/],
    ['containers explode', /^ERROR: unknown operation\n/],
    ['containers', /^Usage: pvcontrol containers/],
    ['containers start', /Usage: pvcontrol containers start/],
    ['objects put', /Usage: pvcontrol objects put/],
    ['ls -x', /Usage: pvcontrol ls/],
  ])('%s gives usage on standard output and exits with 1', async (words, stdout) => {
    expect(await pvcontrol(...words.split(' '))).toMatchObject({ code: 1, stdout: expect.stringMatching(stdout) });
    expect(socket.asked).toEqual([]);
  });

  it.each([['-h'], ['--help'], ['containers', '--help'], ['containers', 'start', '-h']])(
    '%s is none',
    async (...words) => {
      expect(await pvcontrol(...words)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Usage: '),
        stderr: '',
      });
    },
  );
});

describe('the socket', () => {
  it('is the one of -s, of PV_SYSTEM_RUNDIR, or one of the usual ones in this order', () => {
    expect(socketPlaces('/x', { PV_SYSTEM_RUNDIR: '/run/pv1' })).toEqual(['/x']);
    expect(socketPlaces(undefined, { PV_SYSTEM_RUNDIR: '/run/pv1' })).toEqual(['/run/pv1/pv-ctrl']);
    expect(socketPlaces(undefined, {})).toEqual(['/run/pantavisor/pv/pv-ctrl', '/pv/pv-ctrl', '/pantavisor/pv-ctrl']);
  });

  it('that is none is told to scripts as well', async () => {
    expect(await runProgram('pvcontrol', ['-s', state, 'ls'])).toEqual({
      code: 1,
      stdout: `ERROR: ${state} not found\n`,
      stderr: expect.stringContaining(`no control socket at ${state} (from -s)`),
    });
  });
});

it('is replaced by PVTEST_EXEC, with the same words', async () => {
  const ended = await runProgram('pvcontrol', ['-s', '/x', 'devmeta', 'save', 'k', 'a  b'], {
    env: { PVTEST_EXEC: 'printf <%s>' },
  });
  expect(ended).toEqual({ code: 0, stdout: '<pvcontrol><-s></x><devmeta><save><k><a  b>', stderr: '' });
});

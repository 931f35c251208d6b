import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stepEndpoints } from '../../../runtime/api/step-endpoints.ts';
import { installing } from '../../../runtime/device/revision-installer.ts';
import { DeviceError, type Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { HERE } from '../../../runtime/threads/state-reader.ts';
import { aState } from '../../state-builder.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { type Served, serve } from './serve.ts';
import { exchange, parsed } from './wire.ts';

const STATE = aState().container('web').toText();
const OTHER = aState().container('web').container('db').toText();
const OK = { status: 200, body: '' };
const error = (status: number, message: string) => ({ status, body: JSON.stringify({ Error: message }) });
const NOT_FOUND = error(404, 'Resource does not exist');
const FACTORY = '{"#spec":"pantavisor-service-system@1"}';

let disk: TestDevice;
let store: Store;
let served: Served;
let running: string | undefined;

const open = async (changes: Partial<Files> = {}): Promise<void> => {
  const files = { ...linuxFiles, ...changes };
  store = await disk.reopen(files);
  const steps = installing({
    store,
    files,
    paths: disk.paths,
    running: () => running,
    read: (bytes, revision) =>
      HERE.read(bytes, {
        revision,
        paths: disk.paths,
        goalsTimeoutSeconds: 120,
        verityHandlers: false,
        appengine: true,
      }),
    onProblem: (subject, message) => disk.problems.push(`${subject} ${message}`),
  });
  served = await serve(stepEndpoints(steps, (problem, doing) => disk.problems.push(`${doing}: ${problem}`)));
};
const reopen = async (changes: Partial<Files>): Promise<void> => {
  await served.stop();
  await open(changes);
};
const get = (revision: string) => served.ask('GET', `/steps/${revision}`);
const put = (name: string, state: string) => served.ask('PUT', `/steps/locals/${name}`, state);

beforeEach(async () => {
  disk = await testDevice();
  running = '0';
  await open();
});
afterEach(async () => {
  await served.stop();
  await disk.remove();
});

describe('GET /steps/{rev}', () => {
  it('answers with the state, byte for byte', async () => {
    const spaced = ` ${STATE}\n`;
    await put('web', spaced);
    const { status, head, body } = await get('locals/web');
    expect([status, body]).toEqual([200, spaced]);
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(head.toLowerCase()).toContain(`content-length: ${spaced.length}`);
  });

  it('knows hub revisions and the running one', async () => {
    expect(await get('0')).toMatchObject({ status: 200, body: FACTORY });
    expect(await get('current')).toMatchObject({ status: 200, body: FACTORY });
    running = undefined;
    expect(await get('current')).toMatchObject(NOT_FOUND);
  });

  it.each(['7', 'locals/none', 'locals', '..', 'locals/..', '.gone-0', 'locals/%2e%2e'])(
    'does not find %s',
    async (revision) => {
      expect(await get(revision)).toMatchObject(NOT_FOUND);
    },
  );
});

describe('PUT /steps/locals/{name}', () => {
  it('installs a state that is ready to be run', async () => {
    expect(await put('web', STATE)).toMatchObject(OK);
    expect(await store.progress('locals/web')).toEqual({
      status: 'NEW',
      'status-msg': 'Update ready to be run',
      progress: 0,
      retries: 0,
    });
    expect((await store.bootVariables()).trying).toBeUndefined();
  });

  it('replaces a revision that nobody needs', async () => {
    await put('web', STATE);
    expect(await put('web', OTHER)).toMatchObject(OK);
    expect((await get('locals/web')).body).toBe(OTHER);
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'Storage: Cannot read state JSON'],
    ['no JSON', '{', 'Parser: State JSON has bad format'],
    ['no state', '[]', 'Parser: State JSON has bad format'],
    ['another format', '{"#spec":"pantavisor-multi-platform@1"}', 'Parser: State JSON has bad format'],
    [
      'a state that cannot be run',
      aState()
        .container('web', { volumes: { x: { persistence: 'ever' } } })
        .toText(),
      'Parser: State JSON has bad format',
    ],
    ['a state beyond 8 MiB', `${' '.repeat(8 << 20)}${STATE}`, 'Parser: State JSON has bad format'],
  ])('refuses %s, and leaves what was there', async (_name, state, message) => {
    await put('web', STATE);
    expect(await put('web', state)).toMatchObject(error(422, message));
    expect((await get('locals/web')).body).toBe(STATE);
    expect(await put('fresh', state)).toMatchObject(error(422, message));
    expect(existsSync(`${disk.paths.storage}/trails/locals/fresh`)).toBe(false);
  });

  it('tells in the log what is wrong', async () => {
    await put('web', aState().container('web', { restart_policy: 'sometimes' }).toText());
    expect(disk.problems).toEqual([expect.stringContaining('web/run.json')]);
  });

  it.each([
    ['longer than 64 characters', 'a'.repeat(65)],
    ['that climbs', '..'],
    ['that is hidden', '.web'],
    ['that is encoded', 'a%2fb'],
  ])('refuses a name %s after the body', async (_name, name) => {
    expect(await put(name, STATE)).toMatchObject(error(400, 'Request has bas step name'));
  });

  it('takes a name of 64 characters', async () => {
    expect(await put('a'.repeat(64), STATE)).toMatchObject(OK);
  });

  it.each(['/steps/7', '/steps/web'])('is the only way to install: not PUT %s', async (url) => {
    expect(await served.ask('PUT', url, STATE)).toMatchObject(error(400, 'Method not supported for this endpoint'));
  });

  it('does not replace the state of the committed revision or the one on trial', async () => {
    await put('web', STATE);
    await store.setTrying('locals/web');
    const refusal = error(409, 'Revision is in use, its state cannot be replaced: choose another name');
    expect(await put('web', OTHER)).toMatchObject(refusal);
    expect(await put('web', STATE)).toMatchObject(OK);
    await store.commit('locals/web');
    expect(await put('web', OTHER)).toMatchObject(refusal);
    expect((await get('locals/web')).body).toBe(STATE);
  });

  it.each([
    ['ENOSPC', 507, 'Not enough disk space available'],
    ['EIO', 500, 'Upload error'],
  ])('answers when the disk says %s', async (code, status, message) => {
    await reopen({
      write: (path, ...rest) =>
        path.endsWith('/.pvr/json')
          ? Promise.reject(new DeviceError('write', path, code))
          : linuxFiles.write(path, ...rest),
    });
    expect(await put('web', STATE)).toMatchObject(error(status, message));
  });

  it('takes a chunked body', async () => {
    const head = 'PUT /steps/locals/web HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const [a, b] = [STATE.slice(0, 10), STATE.slice(10)];
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    expect(parsed(await exchange(served.path, `${head}${chunk(a)}${chunk(b)}0\r\n\r\n`))).toMatchObject(OK);
    expect((await get('locals/web')).body).toBe(STATE);
  });
});

describe('PUT …/commitmsg', () => {
  const message = (revision: string, text: string) => served.ask('PUT', `/steps/${revision}/commitmsg`, text);
  const written = (revision: string): string =>
    readFileSync(`${disk.paths.storage}/trails/${revision}/.pv/commitmsg`, 'utf8');

  it('is kept with a local revision, one of the hub and the running one', async () => {
    await put('web', STATE);
    expect(await message('locals/web', 'x'.repeat(256))).toMatchObject(OK);
    expect(written('locals/web')).toBe('x'.repeat(256));
    expect(await message('0', 'as it "came"\n')).toMatchObject(OK);
    expect(written('0')).toBe('as it "came"\n');
    expect(await message('current', 'first')).toMatchObject(OK);
    expect(written('0')).toBe('first');
  });

  it.each([
    ['nothing', '', 400, 'No commit message'],
    ['257 bytes', 'x'.repeat(257), 507, 'Not enough disk space available'],
  ])('refuses %s', async (_name, text, status, refusal) => {
    expect(await message('0', text)).toMatchObject(error(status, refusal));
  });

  it.each(['7', 'locals/none', 'locals/..'])('makes no revision %s', async (revision) => {
    expect(await message(revision, 'x')).toMatchObject(NOT_FOUND);
    expect(existsSync(`${disk.paths.storage}/trails/7`)).toBe(false);
  });

  it('says when it cannot be written', async () => {
    await reopen({ write: (path) => Promise.reject(new DeviceError('write', path, 'EROFS')) });
    expect(await message('0', 'x')).toMatchObject(error(500, 'Cannot write message'));
  });
});

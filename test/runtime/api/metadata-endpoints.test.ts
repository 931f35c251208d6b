import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MetadataPort, metadataEndpoints } from '../../../runtime/api/metadata-endpoints.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { openMetadata } from '../../../runtime/metadata/metadata.ts';
import { metadataJson } from '../../../runtime/metadata/metadata-json.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { type Served, serve } from './serve.ts';
import { exchange, parsed } from './wire.ts';

const OK = { status: 200, body: '' };
const error = (status: number, message: string) => ({ status, body: JSON.stringify({ Error: message }) });

describe.each([
  ['user-meta', 'user meta', 'User meta'],
  ['device-meta', 'device meta', 'Device meta'],
] as const)('/%s', (name, words, Words) => {
  let disk: TestDevice;
  let served: Served;
  const problems: string[] = [];
  const use = async (changes: Partial<MetadataPort> = {}): Promise<void> => {
    const map = await openMetadata({
      files: linuxFiles,
      name,
      run: disk.paths.run,
      cache: `${disk.paths.storage}/cache/x`,
      onProblem: (_subject, message) => problems.push(message),
    });
    const port = { json: async () => metadataJson(map.entries()), put: map.put, remove: map.remove, ...changes };
    served = await serve(metadataEndpoints(name, port, (problem, doing) => problems.push(`${doing}: ${problem}`)));
  };
  beforeEach(async () => {
    disk = await testDevice();
    mkdirSync(disk.paths.run, { recursive: true });
    await use();
  });
  afterEach(async () => {
    await served.stop();
    await disk.remove();
  });
  const list = async () => (await served.ask('GET', `/${name}`)).body;
  const put = (key: string, value: string) => served.ask('PUT', `/${name}/${key}`, value);
  const refusal = `Cannot add or update ${words}`;

  it('lists what was set, newest first, and no more what was removed', async () => {
    expect(await list()).toBe('{}');
    expect(await put('a', 'x "y"')).toMatchObject(OK);
    expect(await put('web.b', '{"c":[1]}')).toMatchObject(OK);
    expect(await put('a', 'z')).toMatchObject(OK);
    expect(await list()).toBe('{"web.b":{"c":[1]},"a":"z"}');
    expect(await served.ask('DELETE', `/${name}/web.b`)).toMatchObject(OK);
    expect(await list()).toBe('{"a":"z"}');
  });

  it('takes names as they are sent', async () => {
    await put('a%2Fb', 'x');
    expect(await list()).toBe('{"a%2Fb":"x"}');
  });

  it.each([
    ['nothing', 'a', '', 400, refusal],
    ['nothing before a NUL', 'a', '\0', 400, refusal],
    ['a hidden name', '.a', 'x', 400, refusal],
    ['more than 4096 bytes', 'a', 'x'.repeat(4097), 507, 'Not enough disk space available'],
  ])('refuses %s by one answer', async (_name, key, value, status, message) => {
    expect(await put(key, value)).toMatchObject(error(status, message));
    expect(await list()).toBe('{}');
  });

  it('refuses a body whose size is not told', async () => {
    const head = `PUT /${name}/a HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(parsed(await exchange(served.path, `${head}1\r\nx\r\n0\r\n\r\n`))).toMatchObject(error(400, refusal));
  });

  it.each(['none', '__proto__', '.a'])('does not find %s', async (key) => {
    expect(await served.ask('DELETE', `/${name}/${key}`)).toMatchObject(error(404, `${Words} does not exist`));
  });

  it('says when the device refuses', async () => {
    await served.stop();
    const refuse = () => Promise.reject(new DeviceError('write', 'x', 'EIO'));
    await use({ json: refuse, put: refuse, remove: refuse });
    expect(await served.ask('GET', `/${name}`)).toMatchObject(error(500, `couldn't get ${name}`));
    expect(await put('a', 'x')).toMatchObject(error(500, refusal));
    expect(await served.ask('DELETE', `/${name}/a`)).toMatchObject(error(500, refusal));
  });

  it('is for managers only', async () => {
    served.device.caller = { container: 'web' };
    expect(await served.ask('GET', `/${name}`)).toMatchObject({ status: 403 });
    expect(await put('a', 'x')).toMatchObject({ status: 403 });
    served.device.caller = 'host';
    expect(await list()).toBe('{}');
  });
});

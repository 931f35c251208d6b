import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../runtime/config/config.ts';
import { openLiveConfig } from '../../../runtime/config/live-config.ts';
import { oemOf } from '../../../runtime/device/oem.ts';
import { DeviceError } from '../../../runtime/host/host.ts';

const ID = 'a'.repeat(64);

const oem = (env: Record<string, string>, content: Buffer | DeviceError | undefined) => {
  const problems: string[] = [];
  const live = openLiveConfig({
    settings: loadConfig({ env }).config.settings,
    onChange: () => undefined,
    onWarning: (warning) => problems.push(warning),
  });
  const files = {
    read: async (path: string) => {
      expect(path).toBe(`/storage/objects/${ID}`);
      if (content instanceof DeviceError) throw content;
      return content;
    },
  };
  const onProblem = (subject: string, message: string) => problems.push(`${subject}: ${message}`);
  return { ...oemOf({ live, files, paths: { storage: '/storage' }, onProblem }), live, problems };
};
const document = (state: unknown): Uint8Array => Buffer.from(JSON.stringify(state));
const TEXT = Buffer.from('PV_UPDATER_GOALS_TIMEOUT=7\n');

describe('the OEM configuration', () => {
  it.each<[string, Record<string, string>, string]>([
    ['of the default policy', { PV_OEM_NAME: 'acme' }, 'acme/default.config'],
    ['of the policy', { PV_OEM_NAME: 'acme', PV_POLICY: 'prod' }, 'acme/prod.config'],
  ])('%s is in the state of the revision', async (_name, env, key) => {
    const { read, goalsTimeoutSeconds, use, live } = oem(env, TEXT);
    const entries = await read(document({ [key]: ID }));
    expect(entries).toEqual([{ key: 'PV_UPDATER_GOALS_TIMEOUT', value: '7', from: `${key}:1` }]);
    expect([goalsTimeoutSeconds(entries), live.values.PV_UPDATER_GOALS_TIMEOUT]).toEqual([7, 120]);
    use(entries);
    expect(live.values.PV_UPDATER_GOALS_TIMEOUT).toBe(7);
  });

  it.each<[string, Record<string, string>, unknown]>([
    ['nobody is the OEM', {}, { 'acme/default.config': ID }],
    ['the revision has none', { PV_OEM_NAME: 'acme' }, {}],
    ['it is no object id', { PV_OEM_NAME: 'acme' }, { 'acme/default.config': '../../etc/passwd' }],
    ['a name that every object has', { PV_OEM_NAME: '__proto__' }, {}],
    ['the state is no object', { PV_OEM_NAME: 'acme' }, null],
  ])('is empty when %s', async (_name, env, state) => {
    const { read, problems } = oem(env, TEXT);
    expect([await read(document(state)), problems]).toEqual([[], []]);
  });

  it.each([
    ['missing', undefined, 'its object is missing'],
    ['binary', Buffer.from('a=b\0'), 'it is not text'],
    ['too large', new DeviceError('read', '/storage/objects/x', 'EFBIG'), 'EFBIG'],
  ])('that is %s is told and passed over', async (_name, content, problem) => {
    const { read, problems } = oem({ PV_OEM_NAME: 'acme' }, content);
    expect(await read(document({ 'acme/default.config': ID }))).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it('is found however the state is written', async () => {
    const { read } = oem({ PV_OEM_NAME: 'acme' }, TEXT);
    expect(await read(Buffer.from(`{"a":1, "acme\\/default.config" :\n "${ID}"}`))).toHaveLength(1);
  });

  it('waits for a state that is JSON', async () => {
    expect(await oem({ PV_OEM_NAME: 'acme' }, TEXT).read(Buffer.from('{'))).toEqual([]);
  });
});

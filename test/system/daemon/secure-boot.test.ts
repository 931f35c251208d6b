/** `PV_SECUREBOOT_MODE` on a real daemon: what is not signed does not run, wherever it comes from. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { makePki, type Pki, signed } from '../../runtime/trust/signer.ts';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';

const WEB = realState().container('web');
const OTHER = realState().container('web', { behaviour: '# another one\n' });

describeSystem('secure boot', () => {
  let pki: Pki;
  beforeAll(() => {
    pki = makePki();
  });
  afterAll(() => pki.remove());

  const sign = (state: RealState): RealState => {
    const document = JSON.parse(state.toText()) as Readonly<Record<string, unknown>>;
    const leaf = pki.leaf('vendor');
    const include = ['web/**', '_config/web/**', '#spec'];
    const chain = [leaf, pki.intermediate];
    return state.with('_sigs/web.json', signed(document, Object.keys(document), { include, chain, key: leaf.key }));
  };
  const trusting = (device: RealDevice): Readonly<Record<string, string>> => {
    const etc = join(device.directory, 'etc');
    mkdirSync(join(etc, 'pvs/trust'), { recursive: true });
    writeFileSync(join(etc, 'pvs/trust/ca-certificates.crt'), pki.root.pem);
    return { PV_SYSTEM_ETCPANTAVISORDIR: etc };
  };

  test('strict runs what is signed and nothing else, dropped or installed', async ({ device }) => {
    await device.start({ ...trusting(device), PV_SECUREBOOT_MODE: 'strict' });
    device.drop('unsigned', WEB);
    const unsigned = await device.outcome('unsigned');
    expect(unsigned).toMatchObject({ status: 'WONTGO' });
    expect(JSON.stringify(unsigned)).toContain('State not fully covered by signatures: #spec');
    const put = await device.request('PUT', '/steps/locals/unsigned', JSON.parse(WEB.toText()));
    expect(put.status).toBe(422);
    expect(JSON.stringify(put)).toContain('Secureboot: State not fully covered by signatures');
    expect((await device.request('GET', '/steps/locals/unsigned')).status).toBe(404);

    device.drop('tampered', sign(WEB).with('web/other.json', {}));
    const tampered = await device.outcome('tampered');
    expect(JSON.stringify(tampered)).toContain('Signature validation failed: _sigs/web.json');

    expect(await device.deploy('signed', sign(WEB))).toMatchObject({ status: 'DONE', revision: 'locals/signed' });
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('what was committed before strict was set does not run after it is', async ({ device }) => {
    await device.start();
    expect(await device.deploy('unsigned', WEB)).toMatchObject({ status: 'DONE' });
    await device.stop();
    await device.start({ ...trusting(device), PV_SECUREBOOT_MODE: 'strict' });
    expect((await device.resource('update/device'))?.reason).toContain('State not fully covered by signatures');
    expect(await device.pidOf('web')).toBeUndefined();
    expect(await device.deploy('signed', sign(OTHER))).toMatchObject({ status: 'DONE' });
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('audit names what is uncovered and runs it', async ({ device }) => {
    await device.start({ ...trusting(device), PV_SECUREBOOT_MODE: 'audit' });
    expect(await device.deploy('unsigned', WEB)).toMatchObject({ status: 'DONE' });
    expect(device.log()).toContain('State not fully covered by signatures: #spec');
  });

  test('strict with nobody to trust does not start', async ({ device }) => {
    const etc = join(device.directory, 'empty');
    await expect(device.start({ PV_SYSTEM_ETCPANTAVISORDIR: etc, PV_SECUREBOOT_MODE: 'strict' })).rejects.toThrow();
    expect(device.log()).toContain('this device trusts nobody');
  });
});

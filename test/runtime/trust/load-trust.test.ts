import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { loadTrust } from '../../../runtime/trust/load-trust.ts';
import { makePki } from './signer.ts';

const pki = makePki();
afterAll(() => pki.remove());
let etc: string;
const load = (mode: 'disabled' | 'lenient' | 'audit' | 'strict') =>
  loadTrust(
    {
      PV_SECUREBOOT_MODE: mode,
      PV_SECUREBOOT_TRUSTSTORE: 'ca-certificates',
      PV_SECUREBOOT_OEM_TRUSTSTORE: 'ca-oem-certificates',
      PV_SYSTEM_ETCPANTAVISORDIR: etc,
      PV_OEM_NAME: undefined,
    },
    linuxFiles,
  );
const place = (name: string, text: string): void => writeFileSync(`${etc}/pvs/trust/${name}`, text);

beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), 'pvtest-trust-'));
  mkdirSync(`${etc}/pvs/trust`, { recursive: true });
});
afterEach(() => rmSync(etc, { recursive: true, force: true }));

test('disabled needs nothing and does nothing', async () => {
  expect(await load('disabled')).toBeUndefined();
});

test('strict without anybody to trust does not start', async () => {
  await expect(load('strict')).rejects.toThrow(/PV_SECUREBOOT_MODE is strict, but this device trusts nobody: expected/);
  place('pub.pem', pki.root.pem);
  expect(await load('strict')).toMatchObject({ mode: 'strict', publicKey: pki.root.pem, anchors: [] });
});

test('reads every certificate of a trust store', async () => {
  place('ca-certificates.crt', `# ours\n${pki.root.pem}\n${pki.intermediate.pem}`);
  place('ca-oem-certificates.crt', pki.root.pem);
  const trust = await load('audit');
  expect(trust?.anchors).toHaveLength(2);
  expect(trust?.oemAnchors).toHaveLength(1);
});

test.each([
  ['ca-certificates.crt', 'nothing', /PV_SECUREBOOT_TRUSTSTORE is "ca-certificates": .* holds no certificate/],
  ['ca-oem-certificates.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /cannot be read/],
  ['pub.pem', 'nothing', /pub.pem is no public key, expected PEM/],
])('%s that is not what it should be keeps the daemon from starting', async (file, text, expected) => {
  place(file, text);
  await expect(load('lenient')).rejects.toThrow(expected);
});

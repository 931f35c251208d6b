import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { loadTls } from '../../../runtime/push/tls.ts';
import { type Made, makeCertificate } from './certificate.ts';

let directory = '';
let made: Made;
let other: Made;
const ownedBy = (owner: number): Files => ({
  ...linuxFiles,
  inspect: async (path, maxBytes) => {
    const seen = await linuxFiles.inspect(path, maxBytes);
    return seen && { ...seen, stat: { ...seen.stat, owner } };
  },
});
const load = (paths: Partial<Made> = {}, now = new Date(), owner = 0) =>
  loadTls(ownedBy(owner), { cert: made.cert, key: made.key, ...paths }, now);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pvtest-tls-'));
  made = makeCertificate(directory, 'gateway');
  other = makeCertificate(directory, 'other');
});
afterAll(() => rm(directory, { recursive: true }));

describe('a certificate and its key', () => {
  it('are taken as they are', async () => {
    const tls = await load();
    if (typeof tls === 'string') throw new Error(tls);
    expect(tls.cert.toString()).toBe(made.pem);
    expect(tls.leaf.checkHost('gateway.example')).toBe('gateway.example');
    expect(tls.warning).toBeUndefined();
  });

  it('that end soon, or begin later, are taken with a warning: a clock may be wrong', async () => {
    expect(await load({}, new Date(Date.now() + 20 * 86_400_000))).toMatchObject({
      warning: expect.stringMatching(/which expires in 9 days, on /),
    });
    expect(await load({}, new Date(0))).toMatchObject({
      warning: expect.stringMatching(/is valid from .* on, but the clock says 1970-01-01/),
    });
  });

  it('that have expired are refused', async () => {
    expect(await load({}, new Date(Date.now() + 40 * 86_400_000))).toMatch(
      /PV_PVR_TLS_CERT is .*gateway\.pem: it has expired on .*: put a new one in its place, it is taken up at once/,
    );
  });

  it('that do not belong together are refused', async () => {
    expect(await load({ key: other.key })).toMatch(
      /PV_PVR_TLS_KEY is .*other\.key, which is not the key of the certificate in .*gateway\.pem/,
    );
  });

  it.each([
    ['a certificate that is not there', { cert: '/none' }, /PV_PVR_TLS_CERT is \/none, but there is no such file/],
    ['a key that is not there', { key: '/none' }, /PV_PVR_TLS_KEY is \/none, but there is no such file/],
    ['a certificate that is a directory', { cert: '/tmp' }, /PV_PVR_TLS_CERT is \/tmp, which cannot be read: .*EISDIR/],
  ])('are refused for %s', async (_, paths, problem) => {
    expect(await load(paths)).toMatch(problem);
  });

  it('in another form are refused', async () => {
    const text = join(directory, 'text');
    await writeFile(text, 'hello', { mode: 0o600 });
    expect(await load({ cert: text })).toMatch(/expected a certificate in PEM \(-----BEGIN CERTIFICATE-----\)/);
    expect(await load({ key: text })).toMatch(/expected a private key in PEM without a passphrase/);
  });

  it('of which others may read the key are refused', async () => {
    await chmod(other.key, 0o644);
    expect(await load({ cert: other.cert, key: other.key })).toMatch(
      /PV_PVR_TLS_KEY: .*other\.key has the mode 0644.*chmod 600/,
    );
    expect(await load({}, new Date(), 1000)).toMatch(/belongs to the user 1000, expected root/);
  });
});

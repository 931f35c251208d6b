import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../runtime/config/config.ts';

const pushWith = (env: Record<string, string>) => loadConfig({ env }).config.push;
const TOKENS = { PV_PVR_TOKENS: '/etc/pantavisor/tokens' };
const TLS = { PV_PVR_TLS_CERT: '/etc/pantavisor/cert.pem', PV_PVR_TLS_KEY: '/etc/pantavisor/key.pem' };

describe('pushing from outside', () => {
  it('is off by default', () => {
    expect(pushWith({})).toBeUndefined();
    expect(pushWith({ PV_PVR_LISTEN: '', ...TOKENS, ...TLS })).toBeUndefined();
  });

  it.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', ':1', '[::ffff:127.0.0.1]:1'])(
    'needs nothing else on %s, which nobody else can reach',
    (listen) => {
      expect(pushWith({ PV_PVR_LISTEN: listen })).toMatchObject({
        isLoopback: true,
        tokens: undefined,
        tls: undefined,
      });
    },
  );

  it.each(['0.0.0.0:1', '[::]:1', '192.0.2.1:1', 'device.example:1', '[::ffff:192.0.2.1]:1', '128.0.0.1:1'])(
    'on %s needs tokens and TLS, and says so',
    (listen) => {
      const refused = (env: Record<string, string>) => pushWith({ PV_PVR_LISTEN: listen, ...env });
      expect(refused({})).toMatchObject({
        refused: expect.stringMatching(
          /could run anything.*needs PV_PVR_TOKENS .*, and PV_PVR_TLS_CERT and .*127\.0\.0\.1/,
        ),
      });
      expect(refused(TOKENS)).toMatchObject({ refused: expect.stringMatching(/so it needs PV_PVR_TLS_CERT/) });
      expect(refused(TLS)).toMatchObject({ refused: expect.stringMatching(/needs PV_PVR_TOKENS [^,]*; or/) });
      expect(refused({ ...TOKENS, ...TLS })).toMatchObject({
        isLoopback: false,
        tokens: TOKENS.PV_PVR_TOKENS,
        tls: { cert: TLS.PV_PVR_TLS_CERT, key: TLS.PV_PVR_TLS_KEY },
        rate: 100,
      });
    },
  );

  it.each([
    ['an address that is none', { PV_PVR_LISTEN: '12368' }, 'PV_PVR_LISTEN is "12368", expected host:port'],
    ['half of TLS', { PV_PVR_TLS_CERT: '/a' }, 'PV_PVR_TLS_CERT is set without PV_PVR_TLS_KEY'],
    ['the other half', { PV_PVR_TLS_KEY: '/a' }, 'PV_PVR_TLS_KEY is set without PV_PVR_TLS_CERT'],
    ['a relative path', { PV_PVR_TOKENS: 'tokens' }, 'PV_PVR_TOKENS is "tokens", expected an absolute path'],
    ['no requests at all', { PV_PVR_RATE: '0' }, 'PV_PVR_RATE is 0, expected requests per second'],
  ])('is refused for %s, and the device runs without it', (_, env, reason) => {
    expect(pushWith({ PV_PVR_LISTEN: ':12368', ...env })).toEqual({ refused: expect.stringContaining(reason) });
  });
});

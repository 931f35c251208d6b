import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, rewritePorts } from '../../../hack/demonstration/ports.ts';

test('a port that is taken is replaced by a free one, a free one is kept', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const other = await freePort(port);
  expect(other).not.toBe(port);
  expect(other).toBeGreaterThan(0);
  server.close();
  await once(server, 'close');
  expect(await freePort(port)).toBe(port);
});

test('ports are replaced in configuration, at once, as whole numbers, and never in images', () => {
  const device = mkdtempSync(join(tmpdir(), 'pvunit-'));
  mkdirSync(join(device, '_config/web'), { recursive: true });
  writeFileSync(join(device, '_config/web/nginx.conf'), 'listen 127.0.0.1:18080; # not 180801\nproxy 18883;');
  writeFileSync(join(device, 'root.squashfs'), '18080');
  rewritePorts(
    device,
    new Map([
      [18080, 18883],
      [18883, 7],
    ]),
  );
  expect(readFileSync(join(device, '_config/web/nginx.conf'), 'utf8')).toBe(
    'listen 127.0.0.1:18883; # not 180801\nproxy 7;',
  );
  expect(readFileSync(join(device, 'root.squashfs'), 'utf8')).toBe('18080');
  rmSync(device, { recursive: true });
});

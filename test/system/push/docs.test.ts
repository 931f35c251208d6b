/** docs/pushing.md: its commands, in their order, on a device. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { freePort } from '../../../hack/demonstration/ports.ts';
import { test } from '../daemon/real-device.ts';
import { describeSystem } from '../require-root.ts';

const execute = promisify(execFile);
const DOCUMENT = resolve(import.meta.dirname, '../../../docs/pushing.md');

const snippets = (): readonly string[] =>
  [
    ...readFileSync(DOCUMENT, 'utf8').matchAll(
      /<!-- run by test\/system\/push\/docs\.test\.ts -->\n+```sh\n(.*?)```/gs,
    ),
  ].map(([, script = '']) => script);

describeSystem('docs/pushing.md', () => {
  test('pushes an object, a state and an edit with curl, as it says', async ({ device }) => {
    const [setUp = '', ...pushing] = snippets();
    expect(pushing).toHaveLength(5);
    const [cwd, port] = [join(device.directory, 'docs'), await freePort(0)];
    mkdirSync(cwd);
    await execute('sh', ['-euc', setUp], { cwd });
    await device.start({
      PV_PVR_LISTEN: `127.0.0.1:${port}`,
      PV_PVR_TOKENS: join(cwd, 'tokens'),
      PV_PVR_TLS_CERT: join(cwd, 'tls/cert.pem'),
      PV_PVR_TLS_KEY: join(cwd, 'tls/key.pem'),
    });
    const script = pushing.join('\n').replaceAll('127.0.0.1:12368', `127.0.0.1:${port}`);
    const { stdout } = await execute('sh', ['-euc', script], { cwd });
    expect(stdout).toContain('"revision":"locals/site"');
    expect(stdout).toMatch(/"revision":"locals\/site-[0-9a-f]{8}".*"status":"DONE"/);
    expect(stdout).toContain('event: condition');
    expect(stdout).toContain('"from":"ci at 127.0.0.1","what":"PATCH /v1/revisions/current","status":"200"');
    const { status, body } = await device.request('GET', '/steps/current');
    expect([status, JSON.parse(body)['site.json']]).toEqual([200, { name: 'hall 4' }]);
    const openapi = JSON.parse(readFileSync(join(cwd, 'openapi.json'), 'utf8'));
    expect(Object.keys(openapi.paths)).toContain('/v1/revisions/current');
  });
});

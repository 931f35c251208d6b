/** The endpoint of the `pvr` command line, asked as it asks. */
import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { pvrClient } from '../../pvr-client.ts';
import { type Bench, startBench } from './bench.ts';

const SPEC = { '#spec': 'pantavisor-service-system@1' };
const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';

const objects = (...contents: readonly string[]): ReadonlyMap<string, Uint8Array> =>
  new Map(contents.map((content) => [sha256(content), Buffer.from(content)]));
const STATE = { ...SPEC, 'a/one': sha256('one'), 'a/two': sha256('two'), 'b/again': sha256('one'), 'a.json': { x: 1 } };
const OBJECTS = objects('one', 'two');

let bench: Bench;
const url = (): string => `${bench.url}cgi-bin/pvr`;
const pvr = pvrClient();
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

describe('pvr post', () => {
  it('brings what is missing, once each, and has the state run', async () => {
    const { posted, said, uploaded } = await pvr.post(url(), { state: STATE, objects: OBJECTS, message: 'hello' });
    const text =
      '{"#spec":"pantavisor-service-system@1","a.json":{"x":1},' +
      `"a/one":"${sha256('one')}","a/two":"${sha256('two')}","b/again":"${sha256('one')}"}`;
    const revision = `locals/pvr-${sha256(text).slice(0, 12)}`;
    expect(posted).toEqual({ rev: -1, revlocal: revision, 'state-sha': sha256(text), 'trail-id': '' });
    expect(said).toBe(`Successfully posted Revision ${revision} (${sha256(text).slice(0, 8)}) to device id `);
    expect(uploaded).toBe(2);
    expect((await bench.store.document(revision))?.toString()).toBe(text);
    expect(bench.log).toEqual([`run ${revision} for anybody at 127.0.0.1`]);
    expect((await pvr.post(url(), { state: { ...STATE, 'b.json': 1 }, objects: OBJECTS })).uploaded).toBe(0);
  });

  it('names the revision as asked, or otherwise when that one is still needed', async () => {
    for (const rev of ['locals/web', 'web']) {
      expect((await pvr.post(url(), { state: STATE, objects: OBJECTS, rev })).posted.revlocal).toBe('locals/web');
    }
    const other = await pvr.post(url(), { state: { ...STATE, 'b.json': 1 }, objects: OBJECTS, rev: 'web' });
    expect(other.posted.revlocal).toBe(`locals/web-${other.posted['state-sha'].slice(0, 8)}`);
    const numbered = await pvr.post(url(), { state: { ...STATE, 'c.json': 1 }, objects: OBJECTS, rev: 7 });
    expect(numbered.posted.revlocal).toMatch(/^locals\/pvr-/);
  });

  it('keeps a message as far as the device keeps messages', async () => {
    const message = 'ä'.repeat(200);
    await pvr.post(url(), { state: STATE, objects: OBJECTS, message, rev: 'web' });
    const file = await bench.device.files.read(`${bench.device.paths.storage}/trails/locals/web/.pv/commitmsg`, 1000);
    expect(file?.toString()).toBe('ä'.repeat(128));
  });

  it.each([
    ['a state that is none', { ...STATE, 'x/../y': 1 }, /REST call failed\. 422 .*Parser: State JSON has bad format/s],
    [
      'an object that nobody brought',
      { ...STATE, 'c/three': sha256('three') },
      /REST call failed\. 422 .*Object has bad checksum/s,
    ],
  ])('is told of %s', async (_, state, message) => {
    await expect(pvr.post(url(), { state, objects: OBJECTS })).rejects.toThrow(message);
    expect(bench.log).toEqual([]);
  });

  it('is told to come back while an update goes on', async () => {
    bench.isUpdating = true;
    await expect(pvr.post(url(), { state: STATE, objects: OBJECTS })).rejects.toThrow(
      /REST call failed\. 503 .*Cannot do this operation while update is ongoing/s,
    );
    const answer = await bench.ask('POST', '/cgi-bin/pvr/steps', { body: JSON.stringify({ state: SPEC }) });
    expect(answer.headers['retry-after']).toBe('10');
  });

  it('is told before anything is sent that there is no room', async () => {
    await bench.stop();
    bench = await startBench({ files: { space: async () => ({ totalBytes: 1000, freeBytes: 52 }) } });
    await expect(pvr.post(url(), { state: STATE, objects: OBJECTS })).rejects.toThrow(
      /REST call failed\. 507 .*Not enough disk space available/s,
    );
  });

  it('tries again what failed before: somebody asked for it', async () => {
    const { posted } = await pvr.post(url(), { state: STATE, objects: OBJECTS });
    bench.failures.push({
      revision: 'locals/x',
      hash: posted['state-sha'],
      status: 'ERROR',
      message: 'm',
      detail: 'd',
    });
    await pvr.post(url(), { state: STATE, objects: OBJECTS });
    expect(bench.log).toHaveLength(2);
  });

  it.each([
    ['no JSON', '{', 422],
    ['no state', '{"rev":-1}', 422],
    ['a list', '[]', 422],
    ['a state that is a list', '{"state":[]}', 422],
    ['too much', `{"state":{"a":"${'x'.repeat(9_000_000)}"}}`, 413],
  ])('with %s is refused', async (_, body, status) => {
    expect((await bench.ask('POST', '/cgi-bin/pvr/steps', { body })).status).toBe(status);
    expect(bench.log).toEqual([]);
  });
});

describe('pvr clone', () => {
  it('gets the state that runs, and its objects', async () => {
    await pvr.post(url(), { state: STATE, objects: OBJECTS });
    const { state, objects: got } = await pvr.clone(url());
    expect(state).toEqual(STATE);
    expect(new Map([...got].map(([id, content]) => [id, content.toString()]))).toEqual(
      new Map([...OBJECTS].map(([id, content]) => [id, Buffer.from(content).toString()])),
    );
  });

  it('gets any revision by its step, and says what it is', async () => {
    await pvr.post(url(), { state: STATE, objects: OBJECTS, rev: 'one', message: 'hi' });
    await pvr.post(url(), { state: SPEC, objects: OBJECTS, rev: 'two' });
    expect((await pvr.clone(`${url()}/steps/locals/one`)).state).toEqual(STATE);
    expect((await pvr.clone(`${url()}/steps/0`)).state).toEqual(SPEC);
    expect(await pvr.stepinfo(url())).toMatchObject({
      rev: -1,
      revlocal: 'locals/two',
      state: SPEC,
      progress: { status: 'NEW' },
    });
    expect((await bench.ask('GET', '/cgi-bin/pvr/steps/locals/one/progress')).json).toMatchObject({ status: 'NEW' });
    expect((await bench.ask('GET', '/cgi-bin/pvr/steps/locals/none/state')).status).toBe(404);
    expect((await bench.ask('GET', '/cgi-bin/pvr/steps/locals/none')).status).toBe(404);
  });

  it('is told of an object that is not there', async () => {
    expect((await bench.ask('GET', `/cgi-bin/pvr/objects/${sha256('none')}`)).status).toBe(404);
  });
});

describe('pvr put', () => {
  it('has another state run', async () => {
    await pvr.put(url(), { state: STATE, objects: OBJECTS });
    expect((await pvr.clone(url())).state).toEqual(STATE);
  });
});

describe('an object that is announced', () => {
  const announce = (info: object) => bench.ask('POST', '/cgi-bin/pvr/objects/', { body: JSON.stringify(info) });

  it('is described as the Hub describes one', async () => {
    const info = { objectname: 'a/one', sha256sum: sha256('one'), size: '3' };
    expect((await announce(info)).json).toMatchObject({
      id: sha256('one'),
      objectname: 'a/one',
      sha256sum: sha256('one'),
      size: '3',
      sizeint: 3,
      'mime-type': 'application/octet-stream',
      'signed-puturl': expect.stringContaining(`${url()}/objects/${sha256('one')}/content?`),
      'expire-time': '15',
    });
    const put = new URL(String((await announce(info)).json['signed-puturl']));
    expect((await bench.ask('PUT', put.pathname + put.search, { body: 'one' })).status).toBe(200);
    expect(await announce(info)).toMatchObject({ status: 409, headers: { 'pantahub-object-type': 'object' } });
  });

  it.each([[{}], [{ sha256sum: 'x' }], [{ sha256sum: sha256('one'), size: 'much' }], [[]]])(
    'as %j is refused',
    async (info) => {
      expect((await announce(info)).status).toBe(400);
    },
  );

  it('is brought over the URL that was signed for it, and over no other', async () => {
    const signed = (await announce({ sha256sum: sha256('one'), size: '3' })).json;
    const put = new URL(String(signed['signed-puturl']));
    const path = put.pathname + put.search;
    expect((await bench.ask('PUT', put.pathname, { body: 'one' })).status).toBe(403);
    expect((await bench.ask('GET', path)).status).toBe(403);
    expect((await bench.ask('PUT', path.replace(sha256('one'), sha256('two')), { body: 'two' })).status).toBe(403);
    bench.nowMs += 25 * 3_600_000;
    expect((await bench.ask('PUT', path, { body: 'one' })).status).toBe(403);
  });
});

describe('with tokens', () => {
  beforeEach(async () => {
    await bench.stop();
    bench = await startBench({
      prepare: async (root) => {
        await mkdir(`${root}/tokens`, { mode: 0o700 });
        for (const [name, scopes] of [
          ['ci', 'read push control'],
          ['look', 'read'],
        ] as const)
          await writeFile(`${root}/tokens/${name}`, `scopes=${scopes}\ntoken=${name}${SECRET}`, { mode: 0o600 });
        return { tokens: `${root}/tokens` };
      },
    });
  });

  it('clones and posts with -a, content of objects without', async () => {
    const mine = pvrClient({ token: `ci${SECRET}` });
    const { posted } = await mine.post(url(), { state: STATE, objects: OBJECTS });
    expect((await mine.clone(url())).objects.size).toBe(2);
    expect(bench.log).toEqual([`run ${posted.revlocal} for ci at 127.0.0.1`]);
    expect(bench.audit.filter(({ from }) => from === 'ci at 127.0.0.1').map(({ what }) => what.split(' ')[0])).toEqual([
      'POST',
      'POST',
      'POST',
      'PUT',
      'PUT',
      'POST',
    ]);
  });

  it('is refused without, and not asked for a password of the Hub', async () => {
    await expect(pvr.clone(url())).rejects.toThrow(/REST call failed\. 403 .*with pvr: -a TOKEN/s);
    expect((await bench.ask('GET', '/cgi-bin/pvr/.pvrremote')).headers['www-authenticate']).toBeUndefined();
    const looking = pvrClient({ token: `look${SECRET}` });
    expect((await looking.clone(url())).state).toEqual(SPEC);
    await expect(looking.post(url(), { state: STATE, objects: OBJECTS })).rejects.toThrow(
      /403 .*lacks a scope: expected push/s,
    );
  });
});

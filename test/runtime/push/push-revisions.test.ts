import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { type Bench, startBench } from './bench.ts';

const SPEC = { '#spec': 'pantavisor-service-system@1' };
const state = (more: object = {}): string => JSON.stringify({ ...SPEC, ...more });
const IMAGE = sha256('image');

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

const put = (path: string, body: string, headers = {}) => bench.ask('PUT', path, { body, headers });

describe('PUT /v1/revisions/{name}', () => {
  it('installs a state, and does not run it', async () => {
    const text = state({ 'a.json': { x: 1 } });
    const answer = await put('/v1/revisions/web?message=hello', text);
    expect(answer).toMatchObject({
      status: 201,
      headers: { location: '/v1/revisions/locals/web', etag: `"${sha256(text)}"` },
      json: { revision: 'locals/web', missing: [], progress: { status: 'NEW' } },
    });
    expect((await put('/v1/revisions/locals/web', text)).status).toBe(200);
    expect((await bench.store.document('locals/web'))?.toString()).toBe(text);
    expect(bench.log).toEqual([]);
  });

  it('says which objects are still to be brought, and runs nothing without them', async () => {
    const text = state({ 'web/root.squashfs': IMAGE });
    expect(await put('/v1/revisions/web', text)).toMatchObject({ status: 201, json: { missing: [IMAGE] } });
    expect(await put('/v1/revisions/web?run=true', text)).toMatchObject({ status: 409, json: { missing: [IMAGE] } });
    expect(bench.log).toEqual([]);
    await bench.ask('PUT', `/v1/objects/${IMAGE}`, { body: 'image' });
    expect((await put('/v1/revisions/web?run=true', text)).status).toBe(202);
  });

  it('runs it, in the name of who asked', async () => {
    const answer = await put('/v1/revisions/web?run=true', state());
    expect(answer).toMatchObject({ status: 202, headers: { location: '/v1/revisions/locals/web/progress' } });
    expect(bench.log).toEqual(['run locals/web for anybody at 127.0.0.1']);
  });

  it.each([
    ['DONE', 200, undefined],
    ['ERROR', 422, 'ERROR: the container ended'],
    ['WONTGO', 422, 'WONTGO: the container ended'],
    ['CANCELLED', 422, 'CANCELLED: the container ended'],
  ] as const)('waits until it is %s, and answers %s', async (status, code, error) => {
    const answering = put('/v1/revisions/web?run=true&wait=20', state());
    await expect.poll(() => bench.log).toHaveLength(1);
    bench.isUpdating = true;
    bench.fares('locals/web', 'TESTING');
    bench.fares('locals/web', status, status === 'DONE' ? undefined : 'the container ended');
    bench.isUpdating = false;
    bench.tell();
    const answer = await answering;
    expect(answer).toMatchObject({ status: code, json: { revision: 'locals/web', progress: { status } } });
    expect(answer.json['Error']).toBe(error);
  });

  it('is not held up by what is run after it', async () => {
    const answering = put('/v1/revisions/web?run=true&wait=20', state());
    await expect.poll(bench.isFollowed).toBe(true);
    bench.running = 'locals/next';
    bench.isUpdating = true;
    bench.fares('locals/web', 'DONE');
    expect((await answering).status).toBe(200);
  });

  it('answers with what there is when the time is over, or the device boots', async () => {
    expect(await put('/v1/revisions/web?run=true&wait=1', state())).toMatchObject({
      status: 202,
      json: { progress: { status: 'NEW' } },
    });
    const answering = put('/v1/revisions/web?run=true&wait=60', state());
    await expect.poll(() => bench.log).toHaveLength(2);
    bench.isRebooting = true;
    bench.fares('locals/web', 'INPROGRESS');
    expect(await answering).toMatchObject({ status: 202, json: { progress: { status: 'INPROGRESS' } } });
  });

  it('tells its progress as events to who can read them', async () => {
    const headers = { Accept: 'text/event-stream' };
    const stream = bench.follow('PUT', '/v1/revisions/web?run=true&wait=20', { body: state(), headers });
    const told = () =>
      stream.events().map(([name, { status, progress }]) => [name, status ?? (progress as { status: string }).status]); // as it is said
    await expect.poll(told).toEqual([['progress', 'NEW']]);
    bench.fares('locals/web', 'INPROGRESS');
    await expect.poll(told).toContainEqual(['progress', 'INPROGRESS']);
    bench.fares('locals/web', 'DONE');
    await expect.poll(stream.isEnded).toBe(true);
    expect(told().slice(-2)).toEqual([
      ['progress', 'DONE'],
      ['end', 'DONE'],
    ]);
  });

  it('waits for nobody who has left', async () => {
    const headers = { Accept: 'text/event-stream' };
    const stream = bench.follow('PUT', '/v1/revisions/web?run=true&wait=20', { body: state(), headers });
    await expect.poll(bench.isFollowed).toBe(true);
    stream.leave();
    await expect.poll(bench.isFollowed).toBe(false);
  });

  it('refuses a bad document with everything that is wrong with it', async () => {
    const answer = await put('/v1/revisions/web', state({ 'a/../b': 1, 'web/root.squashfs': 'no sha' }));
    expect(answer).toMatchObject({ status: 422, json: { Error: 'Parser: State JSON has bad format' } });
    expect(answer.json['problems']).toHaveLength(2);
    expect(await bench.store.revisions()).toEqual(['0']);
    expect((await put('/v1/revisions/web', '')).status).toBe(422);
    expect((await put('/v1/revisions/web', 'x'.repeat(9_000_000))).status).toBe(413);
  });

  it.each(['7', 'current', 'a%2Fb', '-x', 'x'.repeat(65)])('refuses the name %s', async (name) => {
    const answer = await put(`/v1/revisions/${name}`, state());
    expect(answer.status).toBe(name === 'current' ? 405 : 400);
  });

  it.each(['run=maybe', 'retry=2', 'wait=soon', 'wait=-1'])('refuses %s', async (query) => {
    expect((await put(`/v1/revisions/web?${query}`, state())).status).toBe(400);
    expect(await bench.store.revisions()).toEqual(['0']);
  });

  it('takes no parameter for granted that it does not know', async () => {
    expect(await put('/v1/revisions/web?runn=true', state())).toMatchObject({
      status: 400,
      json: { Error: '"runn" is no parameter here, expected one of run, retry, wait, message; did you mean run?' },
    });
    expect((await bench.ask('GET', '/v1/revisions?x=1')).json['Error']).toBe('"x" is no parameter here, expected none');
  });

  it('does not replace what a rollback needs', async () => {
    await put('/v1/revisions/web', state());
    await bench.store.commit('locals/web');
    expect(await put('/v1/revisions/web', state({ 'a.json': 1 }))).toMatchObject({
      status: 409,
      json: { Error: expect.stringContaining('choose another name') },
    });
  });

  it('tells a client to come back while an update goes on, and what else the device says', async () => {
    bench.isUpdating = true;
    expect(await put('/v1/revisions/web?run=true', state())).toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
      json: { Error: 'Cannot do this operation while update is ongoing' },
    });
    expect((await put('/v1/revisions/web', state())).status).toBe(201);
    bench.isUpdating = false;
    bench.outcome = { is: 'busy', message: 'A command is already in progress. Try again' };
    expect((await put('/v1/revisions/web?run=true', state())).status).toBe(503);
    bench.outcome = { is: 'refused', message: 'the storage has not been read yet: try again' };
    expect(await put('/v1/revisions/web?run=true', state())).toMatchObject({
      status: 422,
      json: { Error: 'the storage has not been read yet: try again' },
    });
  });

  it('does not try again what failed before, unless it is told to', async () => {
    const hash = sha256(state());
    await put('/v1/revisions/web', state());
    const failure = {
      revision: 'locals/web',
      hash,
      status: 'ERROR',
      message: 'Status goal not reached',
      detail: 'web did not start',
    } as const;
    await bench.store.recordFailure(failure);
    bench.failures.push(failure);
    for (const name of ['web', 'other'])
      expect(await put(`/v1/revisions/${name}?run=true`, state())).toMatchObject({
        status: 409,
        json: {
          Error:
            'This content failed before: Status goal not reached: web did not start. It is tried again when asked: retry=true',
        },
      });
    await put('/v1/revisions/web', state());
    expect(await bench.store.failures()).toHaveProperty(['locals/web']);
    expect(bench.log).toEqual([]);
    expect((await put('/v1/revisions/web?run=true&retry=true', state())).status).toBe(202);
    expect(bench.log).toHaveLength(1);
  });
});

describe('GET /v1/revisions', () => {
  it('lists what is installed, and what runs', async () => {
    await put('/v1/revisions/web?run=true', state());
    expect((await bench.ask('GET', '/v1/revisions')).json).toMatchObject({
      running: 'locals/web',
      committed: '0',
      revisions: [{ revision: '0' }, { revision: 'locals/web', progress: { status: 'NEW' } }],
    });
  });

  it('gives a state as it came, with an ETag that saves sending it again', async () => {
    const text = ` ${state()}\n`;
    await put('/v1/revisions/web?run=true', text);
    for (const path of ['web', 'locals/web', 'current']) {
      const answer = await bench.ask('GET', `/v1/revisions/${path}`);
      expect(answer).toMatchObject({ status: 200, body: text, headers: { etag: `"${sha256(text)}"` } });
      expect(answer.headers['content-location']).toBe('/v1/revisions/locals/web');
      const again = await bench.ask('GET', `/v1/revisions/${path}`, {
        headers: { 'If-None-Match': answer.headers.etag ?? '' },
      });
      expect(again).toMatchObject({ status: 304, body: '' });
    }
    expect((await bench.ask('GET', '/v1/revisions/0')).status).toBe(200);
    expect((await bench.ask('GET', '/v1/revisions/none')).status).toBe(404);
    bench.running = undefined;
    expect((await bench.ask('GET', '/v1/revisions/current')).status).toBe(404);
  });

  it('tells how a revision fares, now or at its end', async () => {
    await put('/v1/revisions/web', state());
    expect((await bench.ask('GET', '/v1/revisions/web/progress')).json).toMatchObject({ progress: { status: 'NEW' } });
    expect((await bench.ask('GET', '/v1/revisions/locals/none/progress')).status).toBe(404);
    const waiting = bench.ask('GET', '/v1/revisions/web/progress?wait=20');
    await expect.poll(bench.isFollowed).toBe(true);
    bench.fares('locals/web', 'ERROR', 'it ended');
    expect(await waiting).toMatchObject({
      status: 200,
      json: { Error: 'ERROR: it ended', progress: { status: 'ERROR', reason: 'it ended' } },
    });
    expect((await bench.ask('GET', '/v1/revisions/current/progress')).status).toBe(200);
  });
});

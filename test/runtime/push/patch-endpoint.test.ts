import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { type Bench, startBench } from './bench.ts';

const SPEC = { '#spec': 'pantavisor-service-system@1' };
const state = (more: object = {}): string => JSON.stringify({ ...SPEC, ...more });

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.stop());

describe('PATCH /v1/revisions/current', () => {
  const TYPE = { 'Content-Type': 'application/json-patch+json' };
  const patch = (operations: unknown, query = '', headers = {}) =>
    bench.ask('PATCH', `/v1/revisions/current${query}`, {
      body: JSON.stringify(operations),
      headers: { ...TYPE, ...headers },
    });
  const ADD = [{ op: 'add', path: '/a.json', value: { x: 1 } }];

  it('makes another revision of the one that runs', async () => {
    const answer = await patch(ADD, '?run=true');
    const text = state({ 'a.json': { x: 1 } });
    const revision = `locals/rev-0-${sha256(text).slice(0, 8)}`;
    expect(answer).toMatchObject({ status: 202, json: { revision }, headers: { etag: `"${sha256(text)}"` } });
    expect((await bench.store.document(revision))?.toString()).toBe(text);
    expect(bench.running).toBe(revision);
    const next = await patch([{ op: 'replace', path: '/a.json/x', value: 2 }], '?run=true&name=web');
    expect(next.json['revision']).toBe('locals/web');
    const last = await patch([{ op: 'remove', path: '/a.json' }]);
    expect(last.json['revision']).toMatch(/^locals\/web-[0-9a-f]{8}$/);
  });

  it('lets one of several editors through, and tells the others', async () => {
    const { headers } = await bench.ask('GET', '/v1/revisions/current');
    const match = { 'If-Match': headers.etag ?? '' };
    const answers = await Promise.all(
      [1, 2, 3].map((x) => patch([{ op: 'add', path: '/a.json', value: x }], '?run=true', match)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 412, 412]);
    expect(answers.find(({ status }) => status === 412)?.headers.etag).not.toBe(headers.etag);
    expect(bench.log).toHaveLength(1);
  });

  it('holds tests before it changes anything', async () => {
    await patch(ADD, '?run=true');
    const edit = (was: number, is: number) =>
      patch(
        [
          { op: 'test', path: '/a.json/x', value: was },
          { op: 'replace', path: '/a.json/x', value: is },
        ],
        '?run=true',
      );
    const answers = await Promise.all([edit(1, 2), edit(1, 3)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 409]);
    expect(answers[1]?.json['Error']).toBe('operation 0: test of /a.json/x does not hold');
  });

  it('finds nothing of what it refuses installed', async () => {
    expect(await patch([{ op: 'add', path: '/a~1..~1b', value: 1 }])).toMatchObject({
      status: 422,
      json: { problems: [expect.stringContaining('a/../b')] },
    });
    expect((await patch([{ op: 'add', path: 'x', value: 1 }])).status).toBe(400);
    expect((await patch(ADD, '?name=7')).status).toBe(400);
    expect(await patch(ADD, '', { 'Content-Type': 'application/json' })).toMatchObject({
      status: 415,
      headers: { 'accept-patch': 'application/json-patch+json' },
    });
    expect((await patch('x'.repeat(2_000_000))).status).toBe(413);
    bench.isUpdating = true;
    expect((await patch(ADD, '?run=true')).status).toBe(503);
    bench.running = undefined;
    expect((await patch(ADD)).status).toBe(503);
    expect(await bench.store.revisions()).toEqual(['0']);
  });
});

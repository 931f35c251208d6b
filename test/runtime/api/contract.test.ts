/** The control socket against its contract: every endpoint, every documented status, byte for byte. */
import { describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../runtime/api/api.ts';
import { OBJECT } from './contract/objects.ts';
import { errorOf, type Row } from './contract/row.ts';
import { DOCUMENTED, ROWS } from './contract/rows.ts';
import { container, type FakeDevice, fakeDevice, group, snapshotOf } from './fixture.ts';
import { type Answer, exchange, parsed } from './wire.ts';

const SNAPSHOT = snapshotOf(
  [container('sdk', { restartPolicy: 'system' }), container('web', { order: 1, roles: [] })],
  [group('app')],
);

/** Every answer in one piece, over a connection that is to be closed after it: a second answer would be seen. */
const wire = ({ url, body, chunked }: Pick<Row, 'url' | 'body' | 'chunked'>, method: string): string => {
  const head = `${method} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
  if (body === undefined) return `${head}\r\n`;
  if (chunked !== true) return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
};

const withApi = async <T>(
  { given = {}, caller = 'host' }: Partial<Pick<Row, 'given' | 'caller'>>,
  work: (device: FakeDevice) => Promise<T>,
): Promise<T> => {
  const device = fakeDevice(SNAPSHOT, given);
  device.caller = caller === 'nobody knows' ? undefined : caller;
  let api: Api | undefined;
  try {
    api = await startApi(device.deps);
    return await work(device);
  } finally {
    await api?.stop();
    device.remove();
  }
};

const methodOf = (endpoint: string): string => endpoint.split(' ')[0] ?? '';
const answerTo = (row: Row): Promise<Answer> =>
  withApi(row, async ({ deps }) => parsed(await exchange(deps.socketPath, wire(row, methodOf(row.endpoint)))));

describe.each(Object.keys(DOCUMENTED))('%s', (endpoint) => {
  const rows = ROWS.filter((row) => row.endpoint === endpoint);

  it.each(rows.map((row) => [row.when, row.status, row] as const))('%s: %i', async (_when, status, row) => {
    const answer = await answerTo(row);
    expect([answer.status, answer.body]).toEqual([status, row.answer === '*' ? expect.any(String) : row.answer]);
    const head = `${answer.head.toLowerCase()}\r\n`;
    if (row.head !== undefined) expect(head).toContain(row.head);
    if (status === 204) expect(head).not.toMatch(/content-(length|type)/);
    else if (!head.includes('octet-stream') && !head.includes('text/plain'))
      expect(head).toContain('content-type: application/json');
  });

  it('has a row for every documented status', () => {
    expect([...new Set(rows.map(({ status }) => status))]).toEqual(
      expect.arrayContaining([...(DOCUMENTED[endpoint] ?? [])]),
    );
  });

  /** An url that the endpoint would take. */
  const url = rows.find(({ status }) => status === 200)?.url ?? rows[0]?.url ?? '';
  const [method, path = ''] = endpoint.split(' ');
  const words = path.includes('{')
    ? { caller: 'Internal error, unknown caller', role: 'Request not sent from mgmt platform' }
    : { caller: 'Internal Error', role: 'Request not sent from a mgmt platform' };
  const ask = (asked: string, caller: NonNullable<Row['caller']>) =>
    withApi({ caller }, async ({ deps }) => parsed(await exchange(deps.socketPath, wire({ url, body: '' }, asked))));

  it('is refused to a caller whom nobody knows', async () => {
    expect(await ask(method ?? '', 'nobody knows')).toMatchObject({ status: 500, body: errorOf(words.caller) });
  });

  it('is refused to a container that the revision has not got', async () => {
    expect(await ask(method ?? '', { container: 'left-over' })).toMatchObject({
      status: 500,
      body: errorOf(words.caller),
    });
  });

  it.skipIf(endpoint === 'POST /signal')('is refused to a container without role mgmt', async () => {
    expect(await ask(method ?? '', { container: 'web' })).toMatchObject({ status: 403, body: errorOf(words.role) });
  });

  it('is refused by another method', async () => {
    const other = method === 'POST' ? 'DELETE' : 'POST';
    const body = errorOf('Method not supported for this endpoint');
    expect(await ask(other, 'host')).toMatchObject({ status: 400, body });
  });
});

describe('the contract', () => {
  it('has no row of an endpoint that it does not list', () => {
    expect(ROWS.filter(({ endpoint }) => DOCUMENTED[endpoint] === undefined)).toEqual([]);
  });

  it.each([
    ['/nothing', '/nothing'],
    ['/containers/', '/containers/'],
    ['/containers/a/b', '/containers/a/b'],
    [`/objects/${OBJECT}/x`, `/objects/${OBJECT}/x`],
    [`/steps/${'s'.repeat(256)}`, `/steps/${'s'.repeat(256)}`],
    ['/a/b/c/d/e/f/g/h/i/j/k', '/a/b/c/d/e/f/g/h/i/j/k'],
    ['/"quoted"', '/"quoted"'],
  ])('does not know %s', async (url, told) => {
    await withApi({}, async ({ deps }) => {
      const answer = parsed(await exchange(deps.socketPath, wire({ url }, 'GET')));
      expect(answer).toMatchObject({ status: 400, body: errorOf(`unknown endpoint: ${told}`) });
    });
  });
});

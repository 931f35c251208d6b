/**
 * A Hub for tests: what pantahub-base answers to devices and owners, in memory, with faults on request.
 *
 * In: requests, as data. Out: answers, as data, and a log of sentences. `server.ts` puts it behind TLS.
 */
import { createHash, randomBytes } from 'node:crypto';

export interface HubRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface HubReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The connection ends after so many bytes of the body. */
  readonly cutAfter?: number;
}

/** undefined: it is answered as always. */
export type Fault = (request: HubRequest) => HubReply | undefined;

export interface TestStep {
  rev: number;
  state: unknown;
  'commit-msg': string;
  progress: Record<string, unknown>;
  /** Every progress that the device reported. */
  history: Record<string, unknown>[];
}

interface TestDevice {
  readonly id: string;
  readonly prn: string;
  readonly secret: string;
  owner: string;
  challenge: string;
  userMeta: Record<string, unknown>;
  deviceMeta: Record<string, unknown>;
  steps: TestStep[] | undefined;
}

export interface TestHub {
  readonly devices: Map<string, TestDevice>;
  readonly objects: Map<string, Buffer>;
  readonly logs: unknown[];
  /** `METHOD path → status`. */
  readonly requests: string[];
  /** The first fault that answers wins. */
  readonly faults: Fault[];
  /** Whether its store knows ranges. */
  ranges: boolean;
  /** Where it says that it is; set by whoever serves it. */
  origin: string;
  handle(request: HubRequest): HubReply;
  /** As the owner does. */
  claim(id: string): void;
  putObject(content: Buffer): string;
  post(id: string, state: unknown, message?: string): number;
  step(id: string, rev: number): TestStep;
}

const OWNER = 'prn:pantahub.com:auth:/user1';
const AUTO_TOKEN = 'auto-token';
const json = (status: number, value: unknown): HubReply => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});
const error = (status: number): HubReply => json(status, { error: 'REST-ERR-ID-1710237960123456789', code: status });
const UNAUTHORIZED: HubReply = {
  status: 401,
  headers: { 'WWW-Authenticate': 'JWT realm="pantahub services", ph-aeps="https://hub/auth"' },
  body: '{"Error":"Not Authorized"}',
};
const NO_PROGRESS = {
  progress: 0,
  downloads: { total: { total_size: 0 }, objects: null },
  'status-msg': '',
  status: 'NEW',
  log: '',
};
export const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

export const openTestHub = (): TestHub => {
  const tokens = new Map<string, string>();
  const uploads = new Map<string, string>();
  let minted = 0;

  const hub: TestHub = {
    ...{ devices: new Map(), objects: new Map(), logs: [], requests: [], faults: [] },
    ranges: true,
    origin: 'https://hub.test',
    handle: (request) => {
      const fault = hub.faults.map((each) => each(request)).find((reply) => reply !== undefined);
      const reply = fault ?? answer(request);
      hub.requests.push(`${request.method} ${request.path.split('?')[0]} → ${reply.status}`);
      return reply;
    },
    claim: (id) => {
      const device = hub.devices.get(id);
      if (device === undefined) throw new Error(`no device ${id}`);
      device.owner = OWNER;
      device.challenge = '';
    },
    putObject: (content) => {
      const id = sha256(content);
      hub.objects.set(id, content);
      return id;
    },
    post: (id, state, message = 'a step') => {
      const { steps } = hub.devices.get(id) ?? {};
      if (steps === undefined) throw new Error(`device ${id} has no trail`);
      const rev = steps.length;
      steps.push({ rev, state, 'commit-msg': message, progress: NO_PROGRESS, history: [] });
      return rev;
    },
    step: (id, rev) => {
      const step = hub.devices.get(id)?.steps?.[rev];
      if (step === undefined) throw new Error(`device ${id} has no step ${rev}`);
      return step;
    },
  };

  const callerOf = ({ headers }: HubRequest): TestDevice | undefined => {
    const [, token] = /^Bearer (.+)$/.exec(String(headers['authorization'] ?? '')) ?? [];
    return token === undefined ? undefined : hub.devices.get(tokens.get(token) ?? '');
  };

  const register = ({ headers }: HubRequest): HubReply => {
    if (headers['user-agent'] === undefined) return error(403);
    const token = headers['pantahub-devices-auto-token-v1'];
    if (token !== undefined && token !== AUTO_TOKEN) return error(400);
    const id = `65f0${(hub.devices.size + 1).toString(16).padStart(20, '0')}`;
    const device: TestDevice = {
      ...{ id, prn: `prn:::devices:/${id}`, secret: randomBytes(8).toString('hex').slice(0, 15) },
      owner: token === undefined ? '' : OWNER,
      challenge: token === undefined ? 'duly-happy-cat' : '',
      ...{ userMeta: {}, deviceMeta: {}, steps: undefined },
    };
    hub.devices.set(id, device);
    return json(200, viewOf(device, true));
  };

  const viewOf = (
    { id, prn, secret, owner, challenge, userMeta, deviceMeta }: TestDevice,
    withSecret: boolean,
  ): object => ({
    ...{ id, prn, nick: '__unregistered__otter', owner, ...(withSecret ? { secret } : {}) },
    ...(challenge === '' ? {} : { challenge }),
    ...{ public: false, 'user-meta': userMeta, 'device-meta': deviceMeta, garbage: false },
  });

  const login = ({ headers, body }: HubRequest): HubReply => {
    if (headers['user-agent'] === undefined) return error(403);
    if (!String(headers['content-type']).startsWith('application/json')) return error(415);
    const { username, password } = JSON.parse(body.toString());
    const device = [...hub.devices.values()].find(({ prn, secret }) => prn === username && secret === password);
    if (device === undefined) return json(401, { error: 'REST-ERR-ID-1', code: 401 });
    minted += 1;
    const token = `${'x'.repeat(760)}.${minted}`;
    tokens.set(token, device.id);
    return { ...json(200, { token }), body: `{\n  "token": "${token}"\n}` };
  };

  const signed = (id: string): object => ({
    ...{ id, 'storage-id': sha256(`${OWNER}/${id}`), owner: OWNER, objectname: 'x', sha256sum: id },
    ...{ size: String(hub.objects.get(id)?.length ?? 0), sizeint: hub.objects.get(id)?.length ?? 0 },
    'signed-puturl': `${hub.origin}/local-s3/put.${id}?sig=1`,
    'signed-geturl': `${hub.origin}/local-s3/get.${id}?sig=1`,
    ...{ now: '1710237960', 'expire-time': '15' },
  });

  const objects = (request: HubRequest, [id]: readonly string[]): HubReply => {
    if (request.method === 'GET')
      return id !== undefined && hub.objects.has(id) ? htmlSafe(json(200, signed(id))) : error(403);
    const { sha256sum, size } = JSON.parse(request.body.toString());
    if (!/^[0-9a-f]{64}$/.test(sha256sum) || typeof size !== 'string') return error(400);
    uploads.set(sha256sum, size);
    return json(hub.objects.has(sha256sum) ? 409 : 200, signed(sha256sum));
  };
  /** Go's encoder writes `&` so. */
  const htmlSafe = (reply: HubReply): HubReply => ({ ...reply, body: String(reply.body).replace(/&/g, '\\u0026') });

  const store = ({ method, path, headers, body }: HubRequest): HubReply => {
    const [, verb, id = ''] = /^\/local-s3\/(put|get)\.([0-9a-f]{64})\?sig=1$/.exec(path) ?? [];
    if (verb === undefined || headers['authorization'] !== undefined) return error(403);
    if (method === 'PUT') {
      if (sha256(body) !== id || String(body.length) !== uploads.get(id)) return error(400);
      hub.objects.set(id, body);
      return { status: 200 };
    }
    const content = hub.objects.get(id);
    if (content === undefined) return error(404);
    const from = Number(/^bytes=(\d+)-$/.exec(String(headers['range'] ?? ''))?.[1] ?? Number.NaN);
    if (!hub.ranges || Number.isNaN(from)) return { status: 200, body: content };
    if (from >= content.length) return error(416);
    const range = { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` };
    return { status: 206, headers: range, body: content.subarray(from) };
  };

  const trails = (request: HubRequest, device: TestDevice, [id, what, rev, leaf]: readonly string[]): HubReply => {
    if (id === undefined || id === '') {
      if (request.method === 'GET') return json(200, device.steps === undefined ? [] : [{ id: device.id }]);
      if (device.owner === '') return json(200, { id: device.id, owner: '' });
      if (device.steps !== undefined) return error(500);
      const state = JSON.parse(request.body.toString());
      const progress = { ...NO_PROGRESS, status: 'DONE' };
      device.steps = [{ rev: 0, state, 'commit-msg': 'Factory State (rev 0)', progress, history: [] }];
      return json(200, { id: device.id });
    }
    if (id !== device.id || what !== 'steps') return error(500);
    const steps = device.steps ?? [];
    if (rev === undefined) {
      const query = decodeURIComponent(request.path.split('?progress.status=')[1] ?? '');
      const pending: readonly string[] = JSON.parse(query).$in;
      const views = steps.filter(({ progress }) => pending.includes(String(progress['status'])));
      return json(
        200,
        views.map(({ history, ...step }) => ({ id: `${id}-${step.rev}`, owner: OWNER, committer: '', ...step })),
      );
    }
    const step = steps[Number(rev)];
    if (step === undefined || leaf !== 'progress' || request.method !== 'PUT') return error(500);
    const { retries, logs, ...stored } = JSON.parse(request.body.toString());
    step.history.push({ ...stored, retries, ...(logs === undefined ? {} : { logs }) });
    step.progress = stored;
    return json(200, stored);
  };

  const devices = (request: HubRequest, device: TestDevice, [id, leaf]: readonly string[]): HubReply => {
    if (id !== device.id) return error(403);
    if (leaf === undefined) return json(200, viewOf(device, false));
    if (leaf === 'user-meta' && request.method === 'GET') return json(200, device.userMeta);
    if (leaf !== 'device-meta' || request.method !== 'PUT') return error(405);
    device.deviceMeta = JSON.parse(request.body.toString());
    return json(200, { status: 'ok' });
  };

  const answer = (request: HubRequest): HubReply => {
    const [path = ''] = request.path.split('?');
    if (path.startsWith('/local-s3/')) return store(request);
    if (path === '/devices/' && request.method === 'POST') return register(request);
    if (path === '/auth/login') return login(request);
    const caller = callerOf(request);
    if (caller === undefined) return UNAUTHORIZED;
    const [, collection, ...rest] = path.split('/');
    if (rest.length === 0) return { status: 307, headers: { Location: `${path}/` } };
    if (collection === 'trails') return trails(request, caller, rest);
    if (collection === 'devices') return devices(request, caller, rest);
    if (collection === 'objects') return objects(request, rest);
    if (collection !== 'logs') return error(404);
    hub.logs.push(...JSON.parse(request.body.toString()));
    return json(200, { status: 'ok' });
  };
  return hub;
};

/**
 * The requests of the `pvr` command line, in its order and with what it looks at, so that a device
 * can be held to them without it. Content of objects comes and goes without a token, as pvr does it.
 */
import { createHash } from 'node:crypto';

export type PvrState = Readonly<Record<string, unknown>>;

export interface PvrOptions {
  /** `-a`. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

interface Remote {
  readonly 'json-get-url': string;
  readonly 'json-key': string;
  readonly 'objects-endpoint': string;
  readonly 'post-url': string;
  readonly 'step-get-url': string;
}

export interface Posted {
  readonly rev: number;
  readonly revlocal?: string;
  readonly 'state-sha': string;
  readonly 'trail-id': string;
}

export interface Pvr {
  clone(url: string): Promise<{ readonly state: PvrState; readonly objects: ReadonlyMap<string, Buffer> }>;
  /** @returns how pvr tells of it on stderr. @throws Error worded as pvr words it. */
  post(
    url: string,
    given: PvrPost,
  ): Promise<{ readonly posted: Posted; readonly said: string; readonly uploaded: number }>;
  put(url: string, given: Pick<PvrPost, 'state' | 'objects'>): Promise<void>;
  stepinfo(url: string): Promise<Readonly<Record<string, unknown>>>;
}

export interface PvrPost {
  readonly state: PvrState;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly message?: string;
  /** Newer ones send a name; older ones a number, and leave out 0. */
  readonly rev?: string | number;
}

const DOWNLOADS = 4;
const UPLOADS = 5;
const SHA = /^[0-9a-f]{64}$/;

/** Sorted keys, no blanks. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
};

const referencesOf = (state: PvrState): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(state).flatMap(([path, value]) =>
      typeof value === 'string' && SHA.test(value) && !path.startsWith('#spec') ? [[path, value] as const] : [],
    ),
  );

/** The first failure is told when every worker has ended: no request outlives the command. */
const inWorkers = async <T>(workers: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> => {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  const ended = await Promise.allSettled(Array.from({ length: workers }, worker));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
};

const failed = async (answer: Response): Promise<Error> =>
  new Error(`REST call failed. ${answer.status}  ${answer.status} ${answer.statusText}\n\t${await answer.text()}`);

export const pvrClient = ({ token, fetch: send = fetch }: PvrOptions = {}): Pvr => {
  const authorization: Readonly<Record<string, string>> =
    token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const call = (url: string, init: RequestInit = {}): Promise<Response> =>
    send(url, { ...init, headers: { 'User-Agent': 'PVR client', ...authorization } });
  const get = async <T>(url: string): Promise<T> => {
    const answer = await call(url);
    if (answer.status !== 200) throw await failed(answer);
    return (await answer.json()) as T; // the device's answer, to be looked at by the test
  };
  const remoteOf = (url: string): Promise<Remote> => get(`${url}/.pvrremote`);

  const download = async (endpoint: string, id: string): Promise<Buffer> => {
    const { 'signed-geturl': url } = await get<{ readonly 'signed-geturl': string }>(`${endpoint}/${id}`);
    const answer = await send(url, { headers: { 'User-Agent': 'PVR client' } });
    if (answer.status !== 200) throw await failed(answer);
    return Buffer.from(await answer.arrayBuffer());
  };

  /** undefined: it is there already. */
  const announce = async (endpoint: string, path: string, id: string, size: number): Promise<string | undefined> => {
    const info = {
      ...{ id: '', 'storage-id': '', owner: '', objectname: path, sha256sum: id, size: String(size), sizeint: 0 },
      ...{ 'mime-type': 'application/octet-stream', 'time-created': '0001-01-01T00:00:00Z', 'signed-puturl': '' },
    };
    const answer = await call(`${endpoint}/`, { method: 'POST', body: JSON.stringify(info) });
    if (answer.status === 409) return undefined;
    if (answer.status !== 200) throw await failed(answer);
    return ((await answer.json()) as { readonly 'signed-puturl': string })['signed-puturl']; // as above
  };

  const upload = async (endpoint: string, known: PvrState, { state, objects }: Pick<PvrPost, 'state' | 'objects'>) => {
    const there = new Set(referencesOf(known).values());
    const urls = new Map<string, string>();
    for (const [path, id] of referencesOf(state)) {
      if (there.has(id)) continue;
      const url = await announce(endpoint, path, id, objects.get(id)?.length ?? 0);
      if (url !== undefined) urls.set(id, url);
    }
    await inWorkers(UPLOADS, [...urls], async ([id, url]) => {
      const answer = await send(url, { method: 'PUT', body: Buffer.from(objects.get(id) ?? []) });
      if (answer.status !== 200) throw await failed(answer);
    });
    return urls.size;
  };

  return {
    clone: async (url) => {
      const remote = await remoteOf(url);
      const state = await get<PvrState>(remote['json-get-url']);
      const objects = new Map<string, Buffer>();
      await inWorkers(DOWNLOADS, [...new Set(referencesOf(state).values())], async (id) => {
        const content = await download(remote['objects-endpoint'], id);
        if (createHash('sha256').update(content).digest('hex') !== id)
          throw new Error(`object ${id} is something else`);
        objects.set(id, content);
      });
      return { state, objects };
    },
    post: async (url, { state, objects, message, rev = -1 }) => {
      const remote = await remoteOf(url);
      const uploaded = await upload(remote['objects-endpoint'], await get(remote['json-get-url']), { state, objects });
      const envelope = {
        ...(message === undefined ? {} : { 'commit-msg': message }),
        ...(rev === 0 ? {} : { rev }),
        [remote['json-key'] === '' ? 'post' : remote['json-key']]: state,
      };
      const answer = await call(remote['post-url'], { method: 'POST', body: canonical(envelope) });
      if (answer.status !== 200) throw await failed(answer);
      const posted = (await answer.json()) as Posted; // as above
      const name = posted.rev === -1 ? posted.revlocal : posted.rev;
      const said = `Successfully posted Revision ${name} (${posted['state-sha'].slice(0, 8)}) to device id ${posted['trail-id']}`;
      return { posted, said, uploaded };
    },
    put: async (url, given) => {
      const remote = await remoteOf(url);
      await upload(remote['objects-endpoint'], {}, given);
      const answer = await call(remote['json-get-url'], { method: 'PUT', body: canonical(given.state) });
      if (answer.status !== 200) throw await failed(answer);
    },
    stepinfo: async (url) => {
      const { 'json-get-url': state } = await remoteOf(url);
      return get(state.replace(/\/[^/]*$/, ''));
    },
  };
};

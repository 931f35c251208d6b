/** pvcontrol's commands that bring and fetch content: objects, states, and tarballs of both. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Answer, ClientError, download, findSocket } from './client.ts';
import { checkedName } from './control-commands.ts';
import { askSocket, conclude, type GlobalOptions } from './question.ts';

/** The daemon refused a part of what was to be brought. */
class Refused extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(answer.body);
    this.answer = answer;
  }
}

const upload = (
  sha: string,
  content: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
  options: GlobalOptions,
): Promise<Answer> =>
  askSocket({ method: 'PUT', path: `/objects/${checkedName('sha256', sha)}`, upload: { content, sizeBytes } }, options);

/** So many bytes of it: what is told to the daemon beforehand must be what comes. @throws ClientError when there are fewer. */
async function* firstOf(content: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  for await (const piece of content) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left === 0) return;
  }
  if (left > 0) throw new ClientError(`expected ${sizeBytes} bytes, but there are only ${sizeBytes - left}`);
}

/** `-SIZE` reads so much of standard input. */
export const putObject = async (file: string, sha: string, options: GlobalOptions): Promise<void> => {
  const [, size] = /^-(\d{1,15})$/.exec(file) ?? [];
  const content = size === undefined ? createReadStream(file) : process.stdin;
  const sizeBytes = size === undefined ? (await stat(file)).size : Number(size);
  conclude(await upload(sha, firstOf(content, sizeBytes), sizeBytes, options), options);
};

/** Whatever the answer is, it is the output: scripts have always compared the content themselves. */
export const getObject = async (sha: string, options: GlobalOptions): Promise<void> => {
  const socket = await findSocket(options.s, process.env);
  const out = options.f === undefined ? process.stdout : createWriteStream(options.f);
  await download(socket, `/objects/${checkedName('sha256', sha)}`, out);
};

const install = async (state: Uint8Array, revision: string, options: GlobalOptions): Promise<Answer> => {
  const path = `/steps/${checkedName('revision', revision)}`;
  const content = (async function* () {
    yield state;
  })();
  const answer = await askSocket({ method: 'PUT', path, upload: { content, sizeBytes: state.length } }, options);
  if (answer.status !== 200 || options.m === undefined) return answer;
  return askSocket({ method: 'PUT', path: `${path}/commitmsg`, body: options.m }, options);
};

export const putState = async (file: string, revision: string, options: GlobalOptions): Promise<void> =>
  conclude(await install(await readFile(file), revision, options), options);

const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest('hex');
};

const storedObjects = async (options: GlobalOptions): Promise<ReadonlySet<string>> => {
  const answer = await askSocket({ method: 'GET', path: '/objects' }, options);
  if (answer.status !== 200) throw new Refused(answer);
  const objects: unknown = JSON.parse(answer.body);
  return new Set(Array.isArray(objects) ? objects.map(({ sha256 }) => String(sha256)) : []);
};

const bring = async (file: string, options: GlobalOptions): Promise<Uint8Array> => {
  const { readTarball } = await import('../../store/archive/tarball.ts');
  const stored = await storedObjects(options);
  return readTarball(createReadStream(file), {
    missingObjects: async (ids) => [...new Set(ids)].filter((id) => !stored.has(id)),
    // The daemon knows what room there is, and says so.
    space: async () => ({ freeBytes: Number.MAX_SAFE_INTEGER }),
    putObject: async (id, content, sizeBytes) => {
      const answer = await upload(id, content, sizeBytes, options);
      if (answer.status !== 200) throw new Refused(answer);
    },
  });
};

export const installTarball = async (
  file: string,
  given: string | undefined,
  options: GlobalOptions,
): Promise<void> => {
  if (!basename(file).endsWith('.tgz')) throw new ClientError(`ERROR: unkwnown file format: expected a file *.tgz`);
  const revision = given ?? `locals/${await sha256Of(file)}`;
  try {
    const answer = await install(await bring(file, options), revision, options);
    conclude(answer, options, JSON.stringify({ revision }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    conclude(error.answer, options);
  }
};

/** User and device metadata. */
import { DeviceError } from '../host/host.ts';
import { contentLength, readBytes } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json } from '../http/operation.ts';
import { accepted, document, failure, type Reply } from '../http/reply.ts';

export interface MetadataPort {
  /** The whole map as a JSON object. @throws DeviceError */
  json(): Promise<string>;
  /** `refused`: not a key, or no value. @throws DeviceError */
  put(key: string, value: string): Promise<'done' | 'refused' | 'no room'>;
  /** False: there was none. @throws DeviceError */
  remove(key: string): Promise<boolean>;
}

type Name = 'user-meta' | 'device-meta';
type Report = (error: unknown, doing: string) => void;

const MAX_VALUE_BYTES = 4096;
const NO_ROOM = failure(507, 'Not enough disk space available');

/** Names are printable, and sent as they are. */
const isSendable = (key: string): boolean => /^[\x21-\x7e]+$/.test(key);

const put = async ({ incoming, parameters }: ApiRequest, port: MetadataPort, refusal: string): Promise<Reply> => {
  const { key = '' } = parameters;
  // Clients that do not say how much they send have always been refused.
  if ((contentLength(incoming) ?? 0) === 0 || !isSendable(key)) return failure(400, refusal);
  const bytes = await readBytes(incoming, MAX_VALUE_BYTES);
  if (bytes === undefined) return NO_ROOM;
  const outcome = await port.put(key, bytes.toString());
  switch (outcome) {
    case 'done':
      return accepted();
    case 'refused':
      return failure(400, refusal);
    case 'no room':
      return NO_ROOM;
    default:
      return outcome satisfies never;
  }
};

export const metadataEndpoints = (name: Name, port: MetadataPort, report: Report): readonly Endpoint[] => {
  const words = name === 'user-meta' ? 'user meta' : 'device meta';
  const refusal = `Cannot add or update ${words}`;
  const unlessRefused = async (work: () => Promise<Reply>, message: string): Promise<Reply> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      report(error, message);
      return failure(500, message);
    }
  };
  const remove = async ({ parameters: { key = '' } }: ApiRequest): Promise<Reply> =>
    (await port.remove(key)) ? accepted() : failure(404, `${words[0]?.toUpperCase()}${words.slice(1)} does not exist`);
  return [
    {
      path: `/${name}`,
      role: 'mgmt',
      methods: {
        GET: {
          summary: `All ${words}data, newest key first`,
          answers: { 200: json('Metadata') },
          handle: () => unlessRefused(async () => document(await port.json()), `couldn't get ${name}`),
        },
      },
    },
    {
      path: `/${name}/{key}`,
      role: 'mgmt',
      methods: {
        PUT: {
          summary: `Set a key of ${words}data to the text that is sent`,
          content: { type: 'text/plain' },
          answers: { 200: 'nothing' },
          handle: (request) => unlessRefused(() => put(request, port, refusal), refusal),
        },
        DELETE: {
          summary: `Remove a key of ${words}data`,
          answers: { 200: 'nothing' },
          handle: (request) => unlessRefused(() => remove(request), refusal),
        },
      },
    },
  ];
};

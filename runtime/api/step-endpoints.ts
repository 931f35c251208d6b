/** States of revisions: read, installed, commented. Installing does not run. */
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { DeviceError } from '../host/host.ts';
import { drain, readBody, readBytes } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json } from '../http/operation.ts';
import { accepted, document, failure, type Reply } from '../http/reply.ts';
import { isRevision } from '../store/trails/revision.ts';

/** `unreadable` and `bad format` are about the document; its problems are told in the log. */
export type InstallOutcome =
  | 'installed'
  | 'unreadable'
  | 'bad format'
  | 'bad signature'
  | 'not covered'
  | 'in use'
  | 'no room';

export interface StepsPort {
  /** What `current` stands for; undefined: nothing was read yet. */
  running(): string | undefined;
  /** The state as it came; undefined: no such revision. @throws DeviceError */
  document(revision: string): Promise<Uint8Array | undefined>;
  /** Makes or replaces a revision, once its document is found to be good. @throws DeviceError */
  install(revision: string, document: Uint8Array): Promise<InstallOutcome>;
  /** False: no such revision. @throws DeviceError */
  setCommitMessage(revision: string, message: string): Promise<boolean>;
}

type Report = (error: unknown, doing: string) => void;
type Prefix = '' | 'locals/';

const MAX_MESSAGE_BYTES = 256;
const NO_ROOM = failure(507, 'Not enough disk space available');
const NOT_FOUND = failure(404, 'Resource does not exist');
/** Also what pushing answers. */
export const INSTALL_REPLIES: Readonly<Record<InstallOutcome, Reply>> = {
  installed: accepted(),
  unreadable: failure(422, 'Storage: Cannot read state JSON'),
  'bad format': failure(422, 'Parser: State JSON has bad format'),
  'bad signature': failure(422, 'Secureboot: Signature validation failed'),
  'not covered': failure(422, 'Secureboot: State not fully covered by signatures'),
  'in use': failure(409, 'Revision is in use, its state cannot be replaced: choose another name'),
  'no room': NO_ROOM,
};

/** undefined: no such revision can be. */
const revisionIn = ({ parameters }: ApiRequest, prefix: Prefix, { running }: StepsPort): string | undefined => {
  const name = `${prefix}${parameters['revision']}`;
  const revision = name === 'current' ? running() : name;
  return revision !== undefined && isRevision(revision) ? revision : undefined;
};

const getState =
  (steps: StepsPort, prefix: Prefix) =>
  async (request: ApiRequest): Promise<Reply> => {
    const revision = revisionIn(request, prefix, steps);
    const bytes = revision === undefined ? undefined : await steps.document(revision);
    if (bytes === undefined) return NOT_FOUND;
    const { headers } = document('');
    // Not as text: signatures and hashes are about the very bytes.
    return {
      status: 200,
      headers: { ...headers, 'Content-Length': String(bytes.length) },
      stream: (outgoing) => outgoing.end(bytes),
    };
  };

const install = async (request: ApiRequest, steps: StepsPort): Promise<Reply> => {
  const revision = revisionIn(request, 'locals/', steps);
  // Sic: clients compare.
  if (revision === undefined) return failure(400, 'Request has bas step name');
  const bytes = await readBytes(request.incoming, STATE_LIMITS.documentBytes);
  return INSTALL_REPLIES[bytes === undefined ? 'bad format' : await steps.install(revision, bytes)];
};

const putState =
  (steps: StepsPort, report: Report) =>
  async (request: ApiRequest): Promise<Reply> => {
    try {
      const reply = await install(request, steps);
      await drain(request.incoming);
      return reply;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      report(error, 'Upload error');
      return failure(500, 'Upload error');
    }
  };

const putMessage =
  (steps: StepsPort, prefix: Prefix, report: Report) =>
  async (request: ApiRequest): Promise<Reply> => {
    const message = await readBody(request.incoming, MAX_MESSAGE_BYTES);
    if (message === undefined) return NO_ROOM;
    if (message === '') return failure(400, 'No commit message');
    const revision = revisionIn(request, prefix, steps);
    try {
      const isKnown = revision !== undefined && (await steps.setCommitMessage(revision, message));
      return isKnown ? accepted() : NOT_FOUND;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      report(error, 'Cannot write message');
      return failure(500, 'Cannot write message');
    }
  };

export const stepEndpoints = (steps: StepsPort, report: Report): readonly Endpoint[] => {
  const get = (prefix: Prefix) => ({
    summary: 'The state of a revision, as it came',
    answers: { 200: json('StateDocument') },
    handle: getState(steps, prefix),
  });
  const message = (prefix: Prefix): Endpoint => ({
    path: `/steps/${prefix}{revision}/commitmsg`,
    role: 'mgmt',
    methods: {
      PUT: {
        summary: 'Say what a revision is about, in at most 256 bytes of text',
        content: { type: 'text/plain' },
        answers: { 200: 'nothing' },
        handle: putMessage(steps, prefix, report),
      },
    },
  });
  return [
    { path: '/steps/{revision}', role: 'mgmt', methods: { GET: get('') } },
    {
      path: '/steps/locals/{revision}',
      role: 'mgmt',
      methods: {
        GET: get('locals/'),
        PUT: {
          summary: 'Install a local revision; what it names must be there when it is run',
          body: 'StateDocument',
          answers: { 200: 'nothing' },
          handle: putState(steps, report),
        },
      },
    },
    message(''),
    message('locals/'),
  ];
};

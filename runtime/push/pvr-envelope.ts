/** What `pvr post` sends: `{"commit-msg":…,"rev":…,"state":{…}}`. The state is taken out as it stands: signatures are of its text. */
import { STATE_LIMITS, type StateLimits } from '../../resources/state-format/state-limits.ts';
import { splitState } from '../../resources/state-format/state-text.ts';

export interface Envelope {
  readonly state: Buffer;
  /** A name for it; undefined: none was asked for. */
  readonly rev: string | undefined;
  readonly message: string | undefined;
}

/** A state and little around it. */
const LIMITS: StateLimits = {
  ...STATE_LIMITS,
  documentBytes: STATE_LIMITS.documentBytes + 64 * 1024,
  nesting: STATE_LIMITS.nesting + 1,
  values: STATE_LIMITS.values + 64,
};
const MAX_MESSAGE_BYTES = 256;

/** No longer than the device keeps; no half characters. */
const clipped = (text: string): string =>
  new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, MAX_MESSAGE_BYTES)).replace(/\uFFFD+$/, '');

const textOf = (raw: string | undefined): string | undefined => {
  const value: unknown = raw === undefined ? undefined : JSON.parse(raw);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** @returns in words what it is instead. */
export const envelopeIn = (bytes: Uint8Array): Envelope | string => {
  const { entries, problems } = splitState(bytes, LIMITS);
  const [problem] = problems;
  if (problem !== undefined) return `Parser: ${problem.message}`;
  const fields = new Map(entries.map(({ key, text }) => [key, text]));
  // `post` where json-key was empty.
  const state = fields.get('state') ?? fields.get('post');
  if (state === undefined) return 'Parser: expected the state below the key "state"';
  const message = textOf(fields.get('commit-msg'));
  return {
    state: Buffer.from(state),
    rev: textOf(fields.get('rev')),
    message: message === undefined ? undefined : clipped(message),
  };
};

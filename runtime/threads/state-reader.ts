/**
 * Reads state documents: what is in them, or everything that is wrong with them.
 *
 * In: bytes, and what they are compiled for. Out: the compiled state. A large document takes longer than the event loop
 * may be held up: it is read in a thread of its own, and comes back in pieces; a small one is read here and now, which
 * is quicker than to start a thread. The same code reads both.
 */
import type { CompiledState } from '../../resources/state-format/compile.ts';
import type { CompileContext } from '../../resources/state-format/compile-context.ts';
import { readState } from '../../resources/state-format/read-state.ts';
import { sha256, stateHash } from '../store/objects/hash.ts';
import { Rejection } from '../store/rejection.ts';
import type { TrustSettings } from '../trust/trust-settings.ts';
import { verifyState } from '../trust/verify-state.ts';
import { assembling, type Piece } from './chunked-state.ts';
import { inThread, type Thread } from './thread.ts';

/** As data, so that it can be given to a thread. */
export interface ReadingContext extends Omit<CompileContext, 'sha256'> {
  /** undefined: signatures are not looked at. */
  readonly trust?: TrustSettings | undefined;
}

export type Reading =
  /** `warnings`: what signatures leave uncovered, where that is only to be named. */
  { readonly ok: true; readonly state: CompiledState; readonly warnings?: readonly string[] } | FailedReading;

export interface FailedReading {
  readonly ok: false;
  readonly problems: readonly string[];
  /** It ends where a document may end, so that more of it would not help. */
  readonly isComplete: boolean;
  /** It could be read, and its signatures do not let it run here. */
  readonly untrusted?: 'signature' | 'coverage';
}

export interface StateReader {
  read(document: Uint8Array, context: ReadingContext): Promise<Reading>;
  /** See stateHash(). */
  hash(document: Uint8Array): Promise<string>;
}

export const readHere = (document: Uint8Array, context: ReadingContext): Reading => {
  const { trust, ...rest } = context;
  const read = readState(document, { ...rest, sha256 });
  if (!read.ok)
    return { ok: false, problems: read.problems.map(({ message }) => message), isComplete: read.isComplete };
  if (trust === undefined) return { ok: true, state: read.state };
  const { problems, warnings, untrusted } = verifyState(read.document, trust);
  if (untrusted !== undefined) return { ok: false, problems, isComplete: true, untrusted };
  return { ok: true, state: read.state, ...(warnings.length > 0 && { warnings }) };
};

/** Everything here: for programs that have nothing else to do, and for a time that is simulated. */
export const HERE: StateReader = {
  read: async (document, context) => readHere(document, context),
  hash: async (document) => stateHash(document),
};

/** `context` undefined: only the hash is asked for. */
export interface StateWork {
  readonly document: Uint8Array;
  readonly context: ReadingContext | undefined;
}

/** The hash, or how the reading ended; the state itself is told in pieces. */
export type StateResult = string | FailedReading | { readonly ok: true; readonly warnings?: readonly string[] };

/** Some 300 keys; 5 ms of work once the code is warm. */
const LARGE_BYTES = 32 * 1024;
const STATE: Thread = { name: 'state', expected: 'a state that can be read', limitMs: 60_000, memoryMb: 512 };

const readInThread = async (document: Uint8Array, context: ReadingContext): Promise<Reading> => {
  const state = assembling();
  const take = async (piece: Piece): Promise<void> => {
    // One in a turn of the event loop: what else is to be done goes on in between.
    await new Promise(setImmediate);
    state.add(piece);
  };
  try {
    const result = await inThread<StateResult, Piece, void>(STATE, { document, context } satisfies StateWork, take);
    if (typeof result === 'string') throw new Error('the thread hashed a document that it was to read');
    return result.ok ? { ...result, state: state.whole() } : result;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { ok: false, problems: [error.message], isComplete: true };
  }
};

const hashInThread = (document: Uint8Array): Promise<string> =>
  inThread<string>(STATE, { document, context: undefined } satisfies StateWork, () => Promise.reject());

/** @param largeBytes from which size on a document is read in a thread, one at a time. */
export const readingBeside = (largeBytes = LARGE_BYTES): StateReader => {
  let previous: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = previous.then(work);
    previous = next.catch(() => undefined); // its caller has the error; the next one is not concerned
    return next;
  };
  const isLarge = ({ length }: Uint8Array): boolean => length >= largeBytes;
  return {
    read: (document, context) =>
      isLarge(document) ? inTurn(() => readInThread(document, context)) : HERE.read(document, context),
    hash: (document) => (isLarge(document) ? inTurn(() => hashInThread(document)) : HERE.hash(document)),
  };
};

/**
 * Work that would hold up the event loop, in a thread of its own and within limits. It has what it is given, and asks
 * for the rest; it must never touch a machine. Both ends of one conversation: the daemon's is here, the thread's in
 * worker.ts.
 */
import { Worker } from 'node:worker_threads';
import { Rejection } from '../store/rejection.ts';

export type ThreadMessage =
  | { readonly type: 'question'; readonly question: unknown }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'rejection'; readonly message: string };

export interface Thread {
  /** Of its module, beside this one: `plan` is plan.ts. */
  readonly name: string;
  /** For people: what is expected of a document that is worked on, `a state that can be rehearsed`. */
  readonly expected: string;
  readonly limitMs: number;
  readonly memoryMb: number;
}

/** Source lies beside this file; the build puts all into one directory, with the threads under names of their own. */
const moduleOf = (name: string): URL =>
  new URL(import.meta.url.endsWith('.ts') ? `./${name}.ts` : `./thread-${name}.mjs`, import.meta.url);

/**
 * @param answer what the thread is answered when it asks.
 * @throws Rejection what the thread refuses, or when it takes longer or more than it may. What `answer` throws ends it.
 */
export const inThread = <Result, Question = never, Answer = never>(
  { name, expected, limitMs, memoryMb }: Thread,
  work: unknown,
  answer: (question: Question) => Promise<Answer>,
): Promise<Result> => {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const worker = new Worker(moduleOf(name), {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    execArgv: [],
    env: {},
    name,
  });
  const beyond = (limit: string, cause?: Error): Rejection =>
    new Rejection(`expected ${expected} in ${limit}, but it takes ${cause ? 'more' : 'longer'}`, { cause });
  const take = (message: ThreadMessage): void => {
    // What is asked and told is what the module of that name asks and tells.
    if (message.type === 'question') {
      answer(message.question as Question)
        .then((given) => worker.postMessage(given))
        .catch(reject);
    } else if (message.type === 'result') resolve(message.result as Result);
    else reject(new Rejection(message.message));
  };
  worker.on('message', take);
  worker.once('error', (error: NodeJS.ErrnoException) =>
    reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? beyond(`${memoryMb} MB`, error) : error),
  );
  worker.once('exit', () => reject(new Error(`the thread ${name} ended without a result`)));
  const timeout = setTimeout(() => reject(beyond(`${limitMs / 1000} s`)), limitMs);
  return promise.finally(() => {
    clearTimeout(timeout);
    return worker.terminate();
  });
};

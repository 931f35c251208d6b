/** The thread's end of a conversation with the daemon; see thread.ts. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { Rejection } from '../store/rejection.ts';
import type { ThreadMessage } from './thread.ts';

/** Does the work of this thread and tells its result, or what there is to refuse. */
export const work = async <Work, Question, Answer>(
  doIt: (given: Work, ask: (question: Question) => Promise<Answer>) => Promise<unknown>,
): Promise<void> => {
  const port = parentPort;
  // The build loads every module once, to compile it.
  if (port === null) return;
  const tell = (message: ThreadMessage): void => port.postMessage(message);
  const ask = async (question: Question): Promise<Answer> => {
    tell({ type: 'question', question });
    const [answer] = await once(port, 'message');
    return answer as Answer; // what the daemon's end answers
  };
  try {
    tell({ type: 'result', result: await doIt(workerData as Work, ask) }); // what the daemon's end gives
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    tell({ type: 'rejection', message: error.message });
  }
};

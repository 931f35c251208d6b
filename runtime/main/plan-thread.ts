/** The thread in which a daemon's plans are made. It must never load what touches a machine: no host but the simulated one. */
import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Knowledge, LookUp } from '../rehearsal/present.ts';
import { Rejection } from '../store/rejection.ts';
import { planFor } from './plan.ts';
import type { ThreadMessage, ThreadWork } from './planner.ts';

const answer = async (port: MessagePort, { present, document }: ThreadWork): Promise<void> => {
  const tell = (message: ThreadMessage): void => port.postMessage(message);
  const lookUp: LookUp = async (question) => {
    tell({ type: 'question', question });
    const [knowledge] = await once(port, 'message');
    return knowledge as Knowledge; // what planner.ts answers
  };
  try {
    const report = await planFor(present, lookUp, document && { document, objects: new Map() });
    tell({ type: 'report', text: JSON.stringify(report) });
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    tell({ type: 'rejection', message: error.message });
  }
};

// The build loads every module once, to compile it.
if (parentPort !== null) await answer(parentPort, workerData as ThreadWork); // what planner.ts gives

/** The thread in which a daemon's plans are made. It must never load what touches a machine: no host but the simulated one. */

import { planFor } from '../rehearsal/plan-for.ts';
import type { PlanWork } from '../rehearsal/planner.ts';
import type { Knowledge, Question } from '../rehearsal/present.ts';
import { work } from './worker.ts';

await work<PlanWork, Question, Knowledge>(async ({ present, document }, ask) => {
  const report = await planFor(present, ask, document && { document, objects: new Map() });
  return JSON.stringify(report);
});

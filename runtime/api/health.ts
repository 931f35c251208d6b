/** `GET /healthz` and `GET /readyz`: what a supervisor asks. Pure. */

import type { Snapshot } from '../../resources/snapshot.ts';
import type { Reply } from '../http/reply.ts';
import { isConverged, reasonOf, refsOf } from './conditions.ts';

const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

/** Whoever answers is alive: the loop and the API share one thread. */
export const healthy = (): Reply => ({
  status: 200,
  headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
  body: 'ok\n',
});

/** Ready: a revision is read, and the device is as it wants it. */
export const readiness = (snapshot: Snapshot): Reply => {
  const reasons =
    snapshot.revision === undefined
      ? [{ ref: null, reason: 'no revision was read yet' }]
      : refsOf(snapshot)
          .filter((ref) => !isConverged(snapshot, ref))
          .map((ref) => ({ ref, reason: reasonOf(snapshot, ref) }));
  const ready = reasons.length === 0;
  return { status: ready ? 200 : 503, headers: HEADERS, body: JSON.stringify({ ready, reasons }) };
};

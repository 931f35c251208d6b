/** Turns what happened into log lines: what changed and why, each thing once. */
import type { Logger } from 'pino';
import type { Observable, Subscription } from 'rxjs';
import type { Ref } from '../resources/ref.ts';
import type { Event } from './event.ts';

export const logEvents = (events: Observable<Event>, log: Logger): Subscription => {
  let revision = '';
  /** The trouble last told for each resource: the same again is not news. */
  const told = new Map<Ref, string>();
  const warnOnce = (ref: Ref, message: string, fields: object = {}): void => {
    if (told.get(ref) === message) return;
    told.set(ref, message);
    log.warn({ ref, revision, ...fields }, message);
  };

  return events.subscribe((event) => {
    switch (event.type) {
      case 'desired.changed':
        if (event.revision !== revision) log.info({ revision: event.revision }, `desired state is ${event.revision}`);
        revision = event.revision;
        return;
      case 'action.succeeded':
        told.delete(event.action.ref);
        log.info({ ref: event.action.ref, revision }, `${event.action.type}: ${event.reason}`);
        return;
      case 'action.failed':
        warnOnce(event.action.ref, event.message, { code: event.code });
        return;
      case 'observation.failed':
        warnOnce(event.ref, event.message, { code: event.code });
        return;
      case 'resource.planned':
        for (const [ref, plan] of event.plans) if (plan?.outcome === 'stalled') warnOnce(ref, plan.reason);
        return;
      case 'action.started':
      case 'resource.observed':
        return;
      default:
        event satisfies never;
    }
  });
};

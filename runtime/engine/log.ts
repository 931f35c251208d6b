/** Turns what happened into log lines: what changed and why, each thing once. */
import type { Logger } from 'pino';
import type { Observable, Subscription } from 'rxjs';
import type { Action } from '../../resources/action.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Event } from './event.ts';

export const logEvents = (events: Observable<Event>, log: Logger): Subscription => {
  let revision = '';
  /** The trouble last told for each resource: the same again is not news. */
  const told = new Map<Ref, string>();
  const once = (level: 'warn' | 'error', ref: Ref, message: string, fields: object = {}): void => {
    if (told.get(ref) === message) return;
    told.set(ref, message);
    log[level]({ ref, revision, ...fields }, message);
  };
  /** What an update came to grief of, and that it did, is what its owner is told. */
  const levelOf = ({ type }: Action): 'info' | 'error' => (type === 'update.rollBack' ? 'error' : 'info');

  return events.subscribe((event) => {
    switch (event.type) {
      case 'desired.changed':
        if (event.revision !== revision) log.info({ revision: event.revision }, `desired state is ${event.revision}`);
        revision = event.revision;
        return;
      case 'action.succeeded':
        told.delete(event.action.ref);
        log[levelOf(event.action)]({ ref: event.action.ref, revision }, `${event.action.type}: ${event.reason}`);
        return;
      case 'action.failed':
        once('error', event.action.ref, event.message, { code: event.code });
        return;
      case 'observation.failed':
        once('warn', event.ref, event.message, { code: event.code });
        return;
      case 'resource.planned':
        for (const [ref, plan] of event.plans) if (plan?.outcome === 'stalled') once('warn', ref, plan.reason);
        return;
      case 'action.started':
      case 'resource.observed':
        return;
      default:
        event satisfies never;
    }
  });
};

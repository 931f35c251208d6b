/** Entries in words, for people. Pure. */
import { UPDATE } from '../../resources/kinds/update.ts';
import { kindOf, nameOf, type Ref } from '../../resources/ref.ts';
import type { Entry } from './history-entry.ts';

/** What was done to a resource: `was mounted`; undefined: nobody knows such an action. See reconcilers/kinds.ts. */
export type DoneText = (ref: Ref, action: string) => string | undefined;

const subjectOf = (ref: Ref | undefined): string => {
  if (ref === undefined) return 'the device';
  return kindOf(ref) === 'update' ? 'the update' : `${kindOf(ref)} ${nameOf(ref)}`;
};

const doneIn = ({ ref, action }: Entry, doneText: DoneText): string => {
  if (action === undefined || ref === undefined) return 'was changed';
  return doneText(ref, action) ?? action;
};

/** `container web was started: its goal is STARTED` */
export const sentenceOf = (entry: Entry, doneText: DoneText): string => {
  const { kind, ref, action, about, from, reason, code } = entry;
  const subject = about ?? subjectOf(ref);
  switch (kind) {
    case 'done':
      return `${subject} ${doneIn(entry, doneText)}: ${reason}`;
    case 'failed':
      return `${subject}: ${action} was refused: ${reason}${reason.includes(`(${code})`) ? '' : ` (${code})`}`;
    case 'changed':
      return `${subject} ${reason}`;
    case 'desired':
      return about === undefined ? 'nothing is to run any more' : `the device is to be ${about}`;
    case 'waiting':
      return `${subject} waits: ${reason}`;
    case 'stalled':
      return `${subject} is stalled: ${reason}`;
    case 'settled':
      return `${subject} is as it should be`;
    case 'proposed':
      return `${about} was proposed by ${from}`;
    case 'asked':
      return `${from} asked to ${reason} ${ref === UPDATE ? 'the device' : subject}`;
    case 'accessed':
      return `${from}: ${reason}: ${code}`;
    case 'started':
      return `the daemon started: ${reason}`;
    case 'stopped':
      return `the daemon stops everything: ${reason}`;
    default:
      return kind satisfies never;
  }
};

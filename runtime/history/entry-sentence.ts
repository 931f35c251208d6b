/** Entries in words, for people. Pure. */
import type { Action } from '../../resources/action.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { kindOf, nameOf, type Ref } from '../../resources/ref.ts';
import type { Entry } from './history-entry.ts';

const DONE: Readonly<Record<Action['type'], string>> = {
  'disk.provision': 'was set up',
  'disk.format': 'was formatted',
  'disk.activate': 'was put to use',
  'disk.deactivate': 'was taken out of use',
  'disk.release': 'was given back',
  'volume.mount': 'was mounted',
  'volume.unmount': 'was unmounted',
  'group.open': 'was opened',
  'group.close': 'was closed',
  'container.install': 'was installed',
  'container.start': 'was started',
  'container.halt': 'was asked to stop',
  'container.kill': 'was killed',
  'container.unfreeze': 'was thawed',
  'container.reset': 'was made ready to start again',
  'container.remove': 'was removed',
  'update.try': 'is tried',
  'update.test': 'is tested',
  'update.commit': 'was committed',
  'update.rollBack': 'was rolled back',
  'update.reboot': 'reboots the device',
  'update.hold': 'holds the device',
};

const subjectOf = (ref: Ref | undefined): string => {
  if (ref === undefined) return 'the device';
  return kindOf(ref) === 'update' ? 'the update' : `${kindOf(ref)} ${nameOf(ref)}`;
};

/** `container web was started: its goal is STARTED` */
export const sentenceOf = ({ kind, ref, action, about, from, reason, code }: Entry): string => {
  const subject = about ?? subjectOf(ref);
  switch (kind) {
    case 'done':
      return `${subject} ${action === undefined ? 'was changed' : (DONE[action] ?? action)}: ${reason}`;
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

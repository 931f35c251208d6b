/** For tests of the other parts of the host. */
import { NEVER } from 'rxjs';
import type { Containers } from '../../../runtime/host/host.ts';

const unexpected = (): never => {
  throw new Error('this test has no containers');
};

export const NO_CONTAINERS: Containers & { close(): Promise<void> } = {
  configure: unexpected,
  start: unexpected,
  inspect: unexpected,
  halt: unexpected,
  kill: unexpected,
  unfreeze: unexpected,
  remove: unexpected,
  list: unexpected,
  exits: NEVER,
  changes: NEVER,
  close: async () => {},
};

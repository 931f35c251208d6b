/** What comes with a descriptor on pv-fd-log: fields of fixed length, 108 bytes in all. */

import type { LogLevel } from './log-levels.ts';
import { levelNumbered } from './log-levels.ts';
import { type Refused, refuse } from './message.ts';

export const HANDOVER_BYTES = 108;
const NAME_BYTES = 50;
const [LEVEL_AT, ACTION_AT] = [100, 104];
const [UNSUBSCRIBE, SUBSCRIBE] = [0, 1];

export interface Handover {
  readonly platform: string;
  readonly source: string;
  readonly level: LogLevel;
  readonly subscribe: boolean;
}

/** NUL padded; a name that fills its field has none. */
const nameIn = (field: Buffer): string => {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
};

export const parseHandover = (bytes: Buffer): Handover | Refused => {
  if (bytes.length !== HANDOVER_BYTES)
    return refuse(`${bytes.length} bytes with a descriptor, expected ${HANDOVER_BYTES}`);
  const action = bytes.readInt32LE(ACTION_AT);
  if (action !== SUBSCRIBE && action !== UNSUBSCRIBE)
    return refuse(`action ${action} with a descriptor, expected 1 to subscribe or 0 to unsubscribe`);
  return {
    platform: nameIn(bytes.subarray(0, NAME_BYTES)),
    source: nameIn(bytes.subarray(NAME_BYTES, 2 * NAME_BYTES)),
    level: levelNumbered(bytes.readInt32LE(LEVEL_AT)),
    subscribe: action === SUBSCRIBE,
  };
};

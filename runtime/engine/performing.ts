/** The only impure line of the loop: runs one action through its controller, with a time limit. */
import type { Action, ActionType } from '../../resources/action.ts';
import type { Clock } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';
import { type Controllers, controllerOf } from './controller.ts';

const DEFAULT_TIMEOUT_SECONDS = 30;

/** @throws DeviceError what the device refused, or TIMEOUT. */
export const perform = async (
  controllers: Controllers,
  action: Action,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> => {
  const controller = controllerOf(controllers, action.ref);
  // The table is complete by its mapped type; the lookup alone loses the link between key and argument.
  const execute = controller.execute[action.type as ActionType] as (
    action: Action,
    signal: AbortSignal,
  ) => Promise<void>;
  const seconds = controller.timeoutSeconds?.[action.type as ActionType] ?? DEFAULT_TIMEOUT_SECONDS;

  await inTime(clock, seconds, action.type, action.ref, (timeout) => execute(action, AbortSignal.any([stop, timeout])));
};

/** Before the daemon ends or the device boots: whoever looks at the history afterwards finds everything in it. */
import { UPDATE } from '../../resources/kinds/update.ts';
import type { History } from '../history/history.ts';
import type { Clock } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';

const LIMIT_SECONDS = 5;

/** A storage that hangs must not keep the device from going down: these words are all that is lost. */
export const lastWords = async (
  { flush }: Pick<History, 'flush'>,
  clock: Clock,
  onProblem: (subject: string, message: string) => void,
): Promise<void> => {
  const flushed = inTime(clock, LIMIT_SECONDS, 'flush', UPDATE, flush);
  await flushed.catch((error: unknown) => onProblem('history', String(error)));
};

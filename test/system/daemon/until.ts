/** Waiting for the machine. Real time, because the kernel's is; the limit is generous, because machines are busy. */
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 25;
const LIMIT_MS = 30_000;

/** @param what is to become true; with it, and `detail`, the error tells what did not. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  { limitMs = LIMIT_MS, detail }: { readonly limitMs?: number; readonly detail?: () => unknown } = {},
): Promise<void> => {
  const giveUpAt = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) {
      const now = detail === undefined ? '' : `; it is ${JSON.stringify(await detail(), undefined, 1)}`;
      throw new Error(`not within ${limitMs} ms: ${what}${now}`);
    }
    await sleep(EVERY_MS);
  }
};

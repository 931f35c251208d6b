/** Lines that could not be kept: counted, and told when it begins and when it is over, not for every line. */

export interface Losses {
  /** Of one subject, for a reason that is the same for as long as it is. No lines: something else did not work. */
  add(subject: string, reason: string, lines: number): void;
  /** It works again, if it has for a while: a disk that takes one file and not another is told of once. */
  over(subject: string): void;
  /** Since the start. */
  readonly total: number;
}

interface Loss {
  readonly reason: string;
  lines: number;
  lastAtMs: number;
}

const QUIET_MS = 10_000;
/** Names come from containers: so many at a time and no more are remembered. */
const MAX_SUBJECTS = 64;

export const losses = (nowMs: () => number, tell: (subject: string, message: string) => void): Losses => {
  const current = new Map<string, Loss>();
  let total = 0;
  return {
    get total() {
      return total;
    },
    add: (subject, reason, lines) => {
      total += lines;
      const loss = current.get(subject);
      if (loss?.reason === reason) {
        loss.lines += lines;
        loss.lastAtMs = nowMs();
        return;
      }
      if (loss === undefined && current.size >= MAX_SUBJECTS) return;
      current.set(subject, { reason, lines: lines + (loss?.lines ?? 0), lastAtMs: nowMs() });
      tell(subject, lines === 0 ? reason : `log lines are lost: ${reason}`);
    },
    over: (subject) => {
      const loss = current.get(subject);
      if (loss === undefined || nowMs() - loss.lastAtMs < QUIET_MS) return;
      current.delete(subject);
      if (loss.lines > 0) tell(subject, `log lines are kept again; ${loss.lines} were lost`);
    },
  };
};

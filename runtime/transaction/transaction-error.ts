/** What a transaction was refused for, with pvtx's exit code. */

/** Codes as scripts know them: the low eight bits of C's. */
export const EXIT = {
  failed: 255,
  /** Nothing is begun that could be added to; an argument is missing; there is no such queue. */
  notBegun: 1,
  /** Nothing is begun that a part could be removed from, or a queue applied to. */
  nothingToRemoveFrom: 3,
  noPart: 4,
  /** commit, show, deploy. */
  nothingToShow: 11,
  /** commit of a local transaction, a queue while a transaction is active. */
  wrongKind: 12,
  /** Ours: somebody else is at it. */
  busy: 75,
} as const;

export class TransactionError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransactionError';
    this.exitCode = exitCode;
  }
}

/** The exit code for an answer of the control socket to an object: minus its status, of which eight bits remain. */
export const exitCodeOfStatus = (status: number): number => -status & 0xff;

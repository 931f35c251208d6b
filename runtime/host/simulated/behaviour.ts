/** How a simulated container behaves, from one start to its end. */
import type { Exit } from '../../../resources/kinds/container.ts';

export interface Behaviour {
  /** From the start to a running init. */
  readonly startMs?: number;
  /** LXC's reason why this start fails, after `startMs`. */
  readonly failsToStart?: string;
  /** Counted from init running; undefined: it runs until it is stopped. */
  readonly exitAfterMs?: number;
  readonly exit?: Exit;
  /** Counted from init running: signals READY on the control socket. */
  readonly readyAfterMs?: number;
  readonly ignoresHalt?: boolean;
  /** How long it takes to end when halted, and with what. */
  readonly haltMs?: number;
  readonly haltExit?: Exit;
}

/** Asked at every start; `attempt` counts them from 1, `config` is the LXC configuration. */
export type BehaviourOf = (name: string, attempt: number, config: string) => Behaviour;

export const DEFAULT_BEHAVIOUR = {
  startMs: 20,
  exit: { type: 'code', code: 0 },
  haltMs: 50,
  haltExit: { type: 'code', code: 0 },
} as const satisfies Behaviour;

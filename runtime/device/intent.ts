/** What an operator wants of one container; outlives the daemon, not the boot. */
import type { Intent } from '../../reconcilers/desired/desired.ts';
import type { ContainerStatusName } from '../../resources/kinds/goal.ts';
import type { ControlAction, ControlAnswer } from '../api/ports.ts';
import type { Ledger } from '../engine/ledger.ts';

const NONE: Intent = { stopped: false, generation: 0 };
const OK: ControlAnswer = { status: 200 };

/** What to answer, and what is wanted from now on; no intent: nothing changes. */
export const intentAfter = (
  action: ControlAction,
  status: ContainerStatusName,
  current: Intent = NONE,
): { readonly answer: ControlAnswer; readonly intent?: Intent } => {
  // A run of a lower generation is replaced, with its retries forgotten.
  const anew: Intent = { stopped: false, generation: current.generation + 1 };
  const running = ['STARTING', 'STARTED', 'READY'].includes(status);
  const startable = ['STOPPED', 'STOPPING', 'RECOVERING'].includes(status);
  switch (action) {
    case 'stop':
      return { answer: OK, intent: { ...current, stopped: true } };
    case 'start':
      if (running) return { answer: OK };
      if (startable) return { answer: OK, intent: anew };
      return refuse('Container must be in STOPPED, STOPPING, or RECOVERING state to start');
    case 'restart':
      return running || startable ? { answer: OK, intent: anew } : refuse('Container state does not allow restart');
    default:
      return action satisfies never;
  }
};

const refuse = (message: string): { readonly answer: ControlAnswer } => ({ answer: { status: 400, message } });

/** What operators wanted of containers before this daemon was started, by name. */
export const intentsIn = async (ledger: Ledger): Promise<Map<string, Intent>> => {
  const intents = new Map<string, Intent>();
  for (const name of await ledger.names('intent')) {
    const intent = await ledger.get<Intent>('intent', name);
    if (intent !== undefined) intents.set(name, intent);
  }
  return intents;
};

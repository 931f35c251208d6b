/** What operators and containers ask of a device that runs: recorded, told to the history, and left to the loop. */
import type { Intent } from '../../reconcilers/desired/desired.ts';
import { statusNameOf } from '../../reconcilers/goals.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { ControlAction, ControlAnswer } from '../api/ports.ts';
import type { Ledger } from '../engine/ledger.ts';
import type { Loop } from '../engine/loop.ts';
import type { History } from '../history/history.ts';
import type { Clock } from '../host/host.ts';
import { askForReboot } from './boot.ts';
import { intentAfter } from './intent.ts';

export interface Requests {
  /** Records what an operator wants of a container; resolves when recorded, not when done. */
  control(container: string, action: ControlAction): Promise<ControlAnswer>;
  /** False: it did not expect a signal. */
  signalReady(container: string): Promise<boolean>;
  /** Takes everything down and boots; resolves when that is on record. @throws DeviceError */
  reboot(reason: string): Promise<void>;
}

export interface RequestsOptions {
  readonly loop: Loop;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly history: History;
  /** What operators want of containers; changed here only. */
  readonly intents: Map<string, Intent>;
  readonly signalReady: (container: string) => Promise<boolean>;
  readonly onIntent: () => void;
}

const OPERATOR = 'the operator';

export const openRequests = ({
  clock,
  loop,
  ledger,
  history,
  intents,
  signalReady,
  onIntent,
}: RequestsOptions): Requests => ({
  reboot: async (reason) => {
    history.asked(UPDATE, 'reboot', OPERATOR);
    await askForReboot(ledger, reason);
    loop.look(UPDATE);
  },
  signalReady: async (name) => {
    const { spec } = resourceIn(loop.latest(), refOf('container', name));
    // Before the revision is read nobody knows what is expected, and a container says only once that it is ready.
    if (loop.latest().revision !== undefined && spec?.statusGoal !== 'READY') return false;
    return signalReady(name);
  },
  control: async (name, action) => {
    const ref = refOf('container', name);
    const { answer, intent: next } = intentAfter(action, statusNameOf(ref, loop.latest()), intents.get(name));
    if (next === undefined) return answer;
    const intent: Intent = { ...next, givenAtMs: clock.nowMs() };
    await ledger.put<Intent>('intent', name, intent);
    intents.set(name, intent);
    history.asked(ref, action, OPERATOR);
    onIntent();
    return answer;
  },
});

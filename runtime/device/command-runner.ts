/**
 * What the commands of the control socket do, one at a time.
 *
 * In: commands that make sense now. Out: proposals, a reboot, a shutdown, settings. A command that cannot be carried out
 * is reported in the log, in the revision's progress if there is one, and to a client that waits for it.
 */
import { isUpdating } from '../../reconcilers/desired/arbitration.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import type { Requester } from '../../resources/proposal.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { Command, CommandsPort, Operation } from '../api/command-endpoints.ts';
import { DeviceError } from '../host/host.ts';
import { Rejection } from '../store/rejection.ts';

export interface CommandsOptions {
  readonly snapshot: () => Snapshot;
  readonly hasDebugShell: () => boolean;
  readonly run: (revision: string, byReboot: boolean, by?: Requester) => Promise<void>;
  /** `''`: the one that runs. */
  readonly makeFactory: (revision: string) => Promise<void>;
  readonly reboot: (reason: string) => Promise<void>;
  readonly powerOff: (reason: string) => void;
  readonly collectGarbage: () => Promise<unknown>;
  readonly setSsh: (enabled: boolean) => void;
  readonly setDeviceMeta: (key: string, value: string) => Promise<unknown>;
  /** undefined: it is not there yet. */
  readonly hub: () => HubControl | undefined;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** What commands may know of the Hub, and ask of it. */
export interface HubControl {
  readonly isEnabled: () => boolean;
  readonly isRemote: () => boolean;
  readonly isClaimed: () => boolean;
  goRemote(): void;
  /** @throws DeviceError */
  unclaim(): Promise<void>;
}

type Deeds = { readonly [O in Operation]: (payload: string, by?: Requester) => Promise<unknown> | unknown };

/** What people write with a reboot is shown as the reason for it. */
const reasonOf = (payload: string, what: string): string =>
  payload === '' ? `${what} was asked for` : `${what} was asked for: ${payload.replace(/\p{Cc}+/gu, ' ')}`;

const nothing = (): void => undefined;

const deedsOf = (options: CommandsOptions): Deeds => ({
  REBOOT_DEVICE: (payload) => options.reboot(reasonOf(payload, 'a reboot')),
  POWEROFF_DEVICE: (payload) => options.powerOff(reasonOf(payload, 'to power off')),
  LOCAL_RUN: (payload, by) => options.run(payload, false, by),
  LOCAL_RUN_COMMIT: (payload, by) => options.run(payload, true, by),
  MAKE_FACTORY: options.makeFactory,
  RUN_GC: options.collectGarbage,
  ENABLE_SSH: () => options.setSsh(true),
  DISABLE_SSH: () => options.setSsh(false),
  // Accepted and without effect in Pantavisor, too.
  TRY_ONCE: nothing,
  LOCAL_APPLY: nothing,
  XCONNECT_GRAPH: nothing,
  // There is no debug shell that could hold a reboot back.
  DEFER_REBOOT: nothing,
  UPDATE_METADATA: (payload) => setFirst(payload, options.setDeviceMeta),
  GO_REMOTE: () => options.hub()?.goRemote(),
  UNCLAIM: () => options.hub()?.unclaim(),
});

const membersIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
};

/** Pantavisor takes the first pair only. */
const setFirst = async (payload: string, set: CommandsOptions['setDeviceMeta']): Promise<void> => {
  const [pair] = Object.entries(membersIn(payload));
  if (pair === undefined) throw new Rejection('expected a JSON object with a key and its value');
  const [key, value] = pair;
  const outcome = await set(key, typeof value === 'string' ? value : JSON.stringify(value));
  if (outcome !== 'done') throw new Rejection(`device metadata ${JSON.stringify(key)}: ${outcome}`);
};

/** The commands, for those who wait for one, too. */
export interface Performing extends CommandsPort {
  /**
   * Resolves when a command was carried out. undefined: another one is still at it.
   * @throws Rejection, DeviceError
   */
  perform(command: Command): Promise<void> | undefined;
}

export const openCommands = (options: CommandsOptions): Performing => {
  const deeds = deedsOf(options);
  let isBusy = false;
  const perform = ({ operation, payload, by }: Command): Promise<void> | undefined => {
    if (isBusy) return undefined;
    isBusy = true;
    const deed = async (): Promise<void> => void (await deeds[operation](payload, by));
    return deed().finally(() => {
      isBusy = false;
    });
  };
  const told = ({ operation, payload }: Command, error: unknown): string => {
    const isAnswer = error instanceof DeviceError || error instanceof Rejection;
    if (isAnswer) options.onProblem(operation, `${payload}: ${error.message}`);
    else options.onBug(error);
    return isAnswer ? error.message : 'internal error';
  };
  return {
    perform,
    hasDebugShell: options.hasDebugShell,
    hub: () => {
      const hub = options.hub();
      if (hub === undefined || !hub.isEnabled()) return 'disabled';
      const claimed = hub.isClaimed() ? 'claimed' : 'unclaimed';
      return hub.isRemote() ? `remote, ${claimed}` : `local, ${claimed}`;
    },
    isUpdating: () => {
      const { spec, status } = resourceIn(options.snapshot(), UPDATE);
      return isUpdating(spec, status);
    },
    attempt: (command) =>
      perform(command)?.then(
        () => undefined,
        (error: unknown) => told(command, error),
      ),
    begin: (command) => {
      const done = perform(command);
      done?.catch((error: unknown) => void told(command, error));
      return done !== undefined;
    },
  };
};

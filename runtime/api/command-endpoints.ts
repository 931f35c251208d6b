/**
 * `POST /commands`: one command at a time for the whole device. 200 says that a command was accepted,
 * never that it was done. A revision that cannot be run is refused.
 */
import type { Requester } from '../../resources/proposal.ts';
import { parseObject, readBody } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json } from '../http/operation.ts';
import { accepted, failure, later, type Reply } from '../http/reply.ts';

/** In the order in which an abbreviation finds them. */
export const OPERATIONS = [
  'UPDATE_METADATA',
  'REBOOT_DEVICE',
  'POWEROFF_DEVICE',
  'TRY_ONCE',
  'LOCAL_RUN',
  'MAKE_FACTORY',
  'RUN_GC',
  'ENABLE_SSH',
  'DISABLE_SSH',
  'GO_REMOTE',
  'DEFER_REBOOT',
  'LOCAL_RUN_COMMIT',
  'LOCAL_APPLY',
  'XCONNECT_GRAPH',
  'UNCLAIM',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Command {
  readonly operation: Operation;
  readonly payload: string;
  /** Whose it is; default: the operator's, who uses the control socket. */
  readonly by?: Requester;
}

export type HubMode = 'disabled' | `${'local' | 'remote'}, ${'claimed' | 'unclaimed'}`;

export interface CommandsPort {
  /** From a proposal until it is committed or given up, and while a reboot is due. */
  isUpdating(): boolean;
  /** `PV_DEBUG_SHELL`. */
  hasDebugShell(): boolean;
  /** `disabled`: by configuration. */
  hub(): HubMode;
  /** False: another command is still at it. */
  begin(command: Command): boolean;
  /** Resolves when the command was taken up, or to the reason why it cannot be. undefined: another one is still at it. */
  attempt(command: Command): Promise<string | undefined> | undefined;
}

const MAX_COMMAND_BYTES = 4096;
const UPDATE_SECONDS = 600;
const COMMAND_SECONDS = 120;

const BAD_FORMAT = failure(400, 'Command has bad format');

/** `REBOOT` is enough for REBOOT_DEVICE. Nothing is not enough for anything. */
const operationNamed = (word: unknown): Operation | undefined =>
  typeof word === 'string' && word !== '' ? OPERATIONS.find((name) => name.startsWith(word)) : undefined;

/** Clients send numbers and literals as well as text. */
const payloadIn = (value: unknown): string | undefined => {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const commandIn = (body: string): Command | undefined => {
  const members = parseObject(body);
  const operation = operationNamed(members?.['op']);
  const payload = payloadIn(members?.['payload']);
  return operation === undefined || payload === undefined ? undefined : { operation, payload };
};

/** 204 must not have a body, nor say how long it is. */
const NOTHING_TO_DO: Reply = { status: 204, headers: {}, stream: (outgoing) => outgoing.end() };

const NOT_DURING_UPDATE: readonly Operation[] = [
  'REBOOT_DEVICE',
  'POWEROFF_DEVICE',
  'LOCAL_RUN',
  'LOCAL_RUN_COMMIT',
  'MAKE_FACTORY',
  'UNCLAIM',
];

/** Answered when the device has taken them up: who asks for a revision wants to know that it cannot be run. */
const AWAITED: readonly Operation[] = ['LOCAL_RUN', 'LOCAL_RUN_COMMIT', 'MAKE_FACTORY'];
const BUSY = later('A command is already in progress. Try again', COMMAND_SECONDS);

const attempted = async (taken: Promise<string | undefined> | undefined): Promise<Reply> => {
  if (taken === undefined) return BUSY;
  const reason = await taken;
  return reason === undefined ? accepted() : failure(409, reason);
};

/** Why a command makes no sense now. */
const refusalOf = (operation: Operation, commands: CommandsPort): Reply | undefined => {
  const hub = commands.hub();
  if (operation === 'UPDATE_METADATA' && !hub.startsWith('remote'))
    return failure(409, 'Cannot do this operation while on local mode');
  if (NOT_DURING_UPDATE.includes(operation) && commands.isUpdating())
    return later('Cannot do this operation while update is ongoing', UPDATE_SECONDS);
  if (operation === 'MAKE_FACTORY' && hub.endsWith(', claimed'))
    return failure(409, 'Cannot do this operation if device is already claimed');
  if (operation === 'GO_REMOTE' && hub === 'disabled')
    return failure(409, 'Cannot do this operation when remote mode is disabled by config');
  if (operation === 'GO_REMOTE' && hub.startsWith('remote')) return NOTHING_TO_DO;
  if (operation === 'DEFER_REBOOT' && !commands.hasDebugShell())
    return failure(409, 'Cannot do this operation when debug shell is not active');
  return operation === 'UNCLAIM' && !hub.endsWith(', claimed') ? NOTHING_TO_DO : undefined;
};

const post =
  (commands: CommandsPort) =>
  async ({ incoming }: ApiRequest): Promise<Reply> => {
    const body = await readBody(incoming, MAX_COMMAND_BYTES);
    if (body === undefined) return failure(507, 'Not enough disk space available');
    const command = commandIn(body);
    if (command === undefined) return BAD_FORMAT;
    const refusal = refusalOf(command.operation, commands);
    if (refusal !== undefined) return refusal;
    if (AWAITED.includes(command.operation)) return attempted(commands.attempt(command));
    return commands.begin(command) ? accepted() : BUSY;
  };

export const commandEndpoints = (commands: CommandsPort): readonly Endpoint[] => [
  {
    path: '/commands',
    role: 'mgmt',
    methods: {
      POST: {
        summary: 'Have the device do something; 200 when it was accepted',
        body: 'Command',
        answers: { 200: 'nothing', 204: 'nothing', 503: json('Error') },
        handle: post(commands),
      },
    },
  },
];

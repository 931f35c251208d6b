import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_SNAPSHOT } from '../../../resources/snapshot.ts';
import type { Command, CommandsPort } from '../../../runtime/api/command-endpoints.ts';
import { openCommands } from '../../../runtime/device/command-runner.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';

let log: string[];
let collected: PromiseWithResolvers<void>;
let commands: CommandsPort;
const command = (operation: Command['operation'], payload = ''): Command => ({ operation, payload });
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  log = [];
  collected = Promise.withResolvers();
  const say = (sentence: string) => async (): Promise<void> => void log.push(sentence);
  commands = openCommands({
    snapshot: () => EMPTY_SNAPSHOT,
    hasDebugShell: () => true,
    run: (revision, byReboot) => {
      if (revision === 'none') throw new Rejection('there is no such revision');
      return say(`run ${revision}${byReboot ? ' by a reboot' : ''}`)();
    },
    makeFactory: (revision) => say(`make ${revision || 'the running one'} the factory revision`)(),
    reboot: (reason) =>
      reason.endsWith('full')
        ? Promise.reject(new DeviceError('write', 'ledger', 'ENOSPC'))
        : say(`reboot: ${reason}`)(),
    powerOff: (reason) => void log.push(`power off: ${reason}`),
    collectGarbage: () => collected.promise,
    setDeviceMeta: async (key, value) => {
      log.push(`${key} is ${value}`);
      return 'done';
    },
    hub: () => ({
      isEnabled: () => true,
      isRemote: () => false,
      isClaimed: () => true,
      goRemote: () => log.push('go remote'),
      unclaim: say('unclaim'),
    }),
    setSsh: (enabled) => void log.push(`ssh ${enabled}`),
    onProblem: (subject, message) => log.push(`${subject} ${message}`),
    onBug: (error) => log.push(`bug: ${error}`),
  });
});

describe('a command', () => {
  it.each<[Command, string]>([
    [command('LOCAL_RUN', 'locals/web'), 'run locals/web'],
    [command('GO_REMOTE'), 'go remote'],
    [command('UNCLAIM'), 'unclaim'],
    [command('UPDATE_METADATA', '{"a":1,"b":2}'), 'a is 1'],
    [command('LOCAL_RUN_COMMIT', 'locals/web'), 'run locals/web by a reboot'],
    [command('MAKE_FACTORY'), 'make the running one the factory revision'],
    [command('REBOOT_DEVICE'), 'reboot: a reboot was asked for'],
    [command('REBOOT_DEVICE', 'new\nkernel'), 'reboot: a reboot was asked for: new kernel'],
    [command('POWEROFF_DEVICE', 'night'), 'power off: to power off was asked for: night'],
    [command('ENABLE_SSH'), 'ssh true'],
    [command('DISABLE_SSH'), 'ssh false'],
    [command('LOCAL_RUN', 'none'), 'LOCAL_RUN none: there is no such revision'],
    [command('REBOOT_DEVICE', 'full'), 'REBOOT_DEVICE full: write ledger: ENOSPC'],
  ])('%o: %s', async (given, sentence) => {
    expect(commands.begin(given)).toBe(true);
    await idle();
    expect(log).toEqual([sentence]);
  });

  it('that cannot be carried out is refused with the reason, to a client that waits', async () => {
    expect(await commands.attempt(command('LOCAL_RUN', 'none'))).toBe('there is no such revision');
    expect(await commands.attempt(command('LOCAL_RUN', 'locals/web'))).toBeUndefined();
    commands.begin(command('RUN_GC'));
    expect(commands.attempt(command('LOCAL_RUN', 'locals/web')), 'busy').toBeUndefined();
  });

  it.each(['TRY_ONCE', 'LOCAL_APPLY', 'XCONNECT_GRAPH', 'DEFER_REBOOT'] as const)(
    '%s does nothing',
    async (operation) => {
      expect(commands.begin(command(operation))).toBe(true);
      await idle();
      expect(log).toEqual([]);
    },
  );

  it('has the slot for itself until it is done', async () => {
    expect(commands.begin(command('RUN_GC'))).toBe(true);
    await idle();
    expect(commands.begin(command('RUN_GC'))).toBe(false);
    collected.resolve();
    await idle();
    expect(commands.begin(command('ENABLE_SSH'))).toBe(true);
  });

  it('gives the slot free when it fails', async () => {
    commands.begin(command('LOCAL_RUN', 'none'));
    await idle();
    expect(commands.begin(command('ENABLE_SSH'))).toBe(true);
  });

  it('that fails for a reason of ours is our bug', async () => {
    collected.reject(new TypeError('oops'));
    commands.begin(command('RUN_GC'));
    await idle();
    expect(log).toEqual(['bug: TypeError: oops']);
  });
});

/** A real boot loader decides what is booted; the daemon makes of it what it means. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BootEnvironment, bootDevice, TRIAL, type TrialEntry } from '../../../runtime/device/boot.ts';
import { openLedger } from '../../../runtime/engine/ledger.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { type TestDevice, testDevice } from '../store/device.ts';

const STATE = Buffer.from('{"#spec":"pantavisor-service-system@1"}');
let device: TestDevice;
let store: Store;
let boots = 0;
let arrived: string[];
let problems: string[];

beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
  await store.propose('locals/new', STATE);
  [arrived, problems] = [[], []];
});
afterEach(() => device.remove());

const boot = async (booted: string): Promise<TrialEntry | undefined> => {
  const loader: BootEnvironment = {
    booted,
    attemptOf: async () => 'its kernel did not start',
    arrived: async (revision) => void arrived.push(revision),
    makeBootable: async () => {},
  };
  boots += 1;
  await device.files.makeDirectory(device.paths.run, 0o755);
  const ledger = await openLedger(device.files, `${device.paths.run}/ledger`, `boot-${boots}`);
  const onProblem = (_subject: string, message: string): void => void problems.push(message);
  await bootDevice({ clock: device.clock, ledger, store, session: `session-${boots}`, loader, onProblem });
  return ledger.get<TrialEntry>('update', TRIAL);
};

describe('with a boot loader', () => {
  it('tries what was booted although the loader has marked it as tried', async () => {
    await store.setTrying('locals/new', true);
    expect(await boot('locals/new')).toMatchObject({
      revision: 'locals/new',
      booted: true,
      rebootFor: 'it was booted',
    });
    expect([arrived, problems]).toEqual([['locals/new'], []]);
  });

  it('does not try what the loader went back from, and says how far it came', async () => {
    await store.setTrying('locals/new', true);
    const entry = await boot('0');
    expect(entry?.untried).toBe('the boot loader went back to 0: its kernel did not start');
    expect([entry?.booted, arrived]).toEqual([undefined, []]);
  });

  it('does not try what the loader never saw: its kernel does not run', async () => {
    await store.setTrying('locals/new');
    expect((await boot('0'))?.untried).toContain('went back to 0');
  });

  it('has no trial when the committed revision was booted', async () => {
    expect(await boot('0')).toBeUndefined();
    expect(problems).toEqual([]);
  });

  it('reports a boot of what is neither committed nor on trial', async () => {
    expect(await boot('3')).toBeUndefined();
    expect(problems).toEqual(['the boot loader started the BSP of revision 3, but 0 is committed']);
  });
});

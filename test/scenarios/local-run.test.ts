/** Commands about revisions that are installed already, over a whole simulated device. */
import { beforeEach, describe, expect, it } from 'vitest';
import { isUpdating } from '../../reconcilers/desired/arbitration.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import { type LocalRun, localRun } from '../../runtime/device/local-run.ts';
import { aState, type StateBuilder, TEST_PATHS } from '../state-builder.ts';
import { aRig, type Rig } from './rig.ts';
import { settled } from './settled.ts';

const ONE = aState().container('web');
const TWO = aState().container('web').container('db');

const rethrow = (error: unknown): never => {
  throw error;
};

let rig: Rig;
let commands: LocalRun;
const over = (next: Rig): void => {
  rig = next;
  commands = localRun({ device: rig.device, host: rig.host, paths: TEST_PATHS, onProblem: () => {}, onBug: rethrow });
};
const install = (state: StateBuilder, revision: string): Promise<void> =>
  settled(rig.host, rig.device.store.propose(revision, state.toBytes()));
const run = (revision: string, byReboot = false): Promise<void> => settled(rig.host, commands.run(revision, byReboot));
const makeFactory = (revision = ''): Promise<void> => settled(rig.host, commands.makeFactory(revision));
const updating = (): boolean => {
  const { spec, status } = resourceIn(rig.device.loop.latest(), UPDATE);
  return isUpdating(spec, status);
};
const progress = async (revision: string): Promise<string> => {
  const now = await settled(rig.host, rig.device.store.progress(revision));
  return `${now?.status} ${now?.['status-msg']}`;
};
const committed = (): string => rig.update().committed.revision;

beforeEach(async () => {
  over(await aRig());
  await rig.run(TWO, 'locals/two');
  await rig.run(ONE, 'locals/one');
});

describe('LOCAL_RUN', () => {
  it('is an update from when it is taken up until it is committed', async () => {
    expect(updating()).toBe(false);
    await run('locals/two');
    expect(updating()).toBe(true);
    await rig.until(() => !updating());
    expect(committed()).toBe('locals/two');
    expect(await progress('locals/two')).toBe('DONE Update finished, revision set as rollback point');
  });

  it('of the revision that runs touches nothing', async () => {
    rig.newLog();
    await run('locals/one');
    await rig.rest();
    expect([updating(), rig.newLog()]).toEqual([false, []]);
    expect(await progress('locals/one')).toBe('DONE Update finished, revision set as rollback point');
  });

  it.each(['locals/none', '../../etc', '', 'current'])('of %j, which there is not, is refused', async (revision) => {
    await expect(run(revision)).rejects.toThrow('State JSON not found');
    expect([updating(), committed()]).toEqual([false, 'locals/one']);
  });

  it('of a document that cannot be used tells so in its progress', async () => {
    await settled(rig.host, rig.device.store.propose('locals/bad', Buffer.from('{}')));
    await expect(run('locals/bad')).rejects.toThrow('#spec');
    expect(await progress('locals/bad')).toBe('WONTGO State JSON has bad format');
  });

  it('tries again what failed before, also under another name', async () => {
    rig.behaviour('db', { exitAfterMs: 10, exit: { type: 'code', code: 1 } });
    const failing = aState().container('web').container('db', { restart_policy: 'container' }).with('note.json', {});
    expect(await rig.run(failing, 'locals/failed')).toMatch(/^ERROR/);
    await install(failing, 'locals/again');
    rig.behaviour('db', {});
    await run('locals/again');
    await rig.until(() => !updating());
    expect(committed()).toBe('locals/again');
  });

  it('does not try for ever what fails again', async () => {
    rig.behaviour('db', { exitAfterMs: 10, exit: { type: 'code', code: 1 } });
    const failing = aState().container('web').container('db').with('note.json', {});
    expect(await rig.run(failing, 'locals/failed')).toMatch(/^ERROR/);
    await run('locals/failed');
    expect(updating()).toBe(true);
    await rig.until(() => !updating());
    await rig.rest();
    expect(committed()).toBe('locals/one');
    expect(await progress('locals/failed')).toMatch(/^ERROR/);
  });
});

describe('LOCAL_RUN_COMMIT', () => {
  it('goes through a reboot although no change needs one', async () => {
    await run('locals/two', true);
    over(await rig.rebooted());
    await rig.until(() => !updating());
    expect(committed()).toBe('locals/two');
  });

  it('of the revision that runs is a reboot', async () => {
    await run('locals/one', true);
    over(await rig.rebooted());
    await rig.rest();
    expect([committed(), rig.statusOf('web')]).toEqual(['locals/one', 'STARTED']);
  });
});

describe('REBOOT_DEVICE', () => {
  it('takes everything down, boots, and is over', async () => {
    await settled(rig.host, rig.device.reboot('a reboot was asked for'));
    over(await rig.rebooted());
    await rig.rest();
    expect([committed(), rig.statusOf('web'), updating()]).toEqual(['locals/one', 'STARTED', false]);
  });
});

describe('MAKE_FACTORY', () => {
  const factory = async (): Promise<string | undefined> =>
    (await settled(rig.host, rig.device.store.document('0')))?.toString();

  it('makes revision 0 of the one that runs, and runs it', async () => {
    rig.newLog();
    await makeFactory();
    await rig.until(() => !updating());
    expect(committed()).toBe('0');
    expect(await factory()).toBe(ONE.toText());
    expect(await progress('0')).toBe('DONE Factory revision');
    expect(rig.newLog(/web/)).toEqual([]);
  });

  it('makes it of any other, and forgets what the old one stored', async () => {
    const { files } = rig.host.operator;
    await settled(rig.host, files.makeDirectory('/storage/disks/rev/0/web', 0o755));
    await makeFactory('locals/two');
    expect(await settled(rig.host, files.stat('/storage/disks/rev/0/web'))).toBeUndefined();
    await rig.until(() => !updating());
    expect([committed(), await factory()]).toEqual(['0', TWO.toText()]);
  });

  it('leaves revision 0 alone when there is no such revision', async () => {
    const before = await factory();
    await expect(makeFactory('locals/none')).rejects.toThrow('State JSON not found');
    expect(await factory()).toBe(before);
  });

  it('does not replace revision 0 while it is what the device falls back to', async () => {
    await makeFactory();
    await rig.until(() => !updating());
    await expect(makeFactory('locals/two')).rejects.toThrow('run locals/two first');
    await makeFactory();
    expect([updating(), await factory()]).toEqual([false, ONE.toText()]);
  });
});

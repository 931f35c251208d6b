/** The bootloader port fits boot loaders with two images: the store and the boot script drive them as they are. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootDevice } from '../../../runtime/device/boot.ts';
import { type Ledger, openLedger } from '../../../runtime/engine/ledger.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { type Board, rpiBoard, ubootAbBoard } from './ab-back-ends.ts';
import { type TestDevice, testDevice } from './device.ts';

const STATE = Buffer.from('{"#spec":"pantavisor-service-system@1"}');
let device: TestDevice;
let boots: number;
beforeEach(async () => {
  device = await testDevice();
  boots = 0;
});
afterEach(() => device.remove());

describe.each<[string, (revision: string) => Board]>([
  ['rpiab', rpiBoard],
  ['uboot-ab', ubootAbBoard],
])('%s', (_, boardWith) => {
  let board: Board;
  let store: Store;
  let ledger: Ledger;

  /** The firmware boots, then the daemon starts. @returns the image that runs, and what the boot script tries. */
  const boot = async (): Promise<{ image: string; tries: string | undefined }> => {
    const image = board.boot();
    store = await device.reopen(undefined, { bootloader: board.bootloader });
    boots += 1;
    await device.files.makeDirectory(device.paths.run, 0o755);
    ledger = await openLedger(device.files, `${device.paths.run}/ledger`, `boot-${boots}`);
    await bootDevice({ clock: device.clock, ledger, store, session: `session-${boots}`, onProblem: () => {} });
    const trial = await ledger.get<{ revision: string }>('update', 'device');
    return { image, tries: trial?.revision };
  };

  beforeEach(async () => {
    board = boardWith('0');
    expect(await boot()).toEqual({ image: '0', tries: undefined });
    await store.propose('locals/new', STATE);
  });

  test('a try is installed before it is armed, booted once, and committed', async () => {
    const before = board.writes.length;
    await store.setTrying('locals/new');
    const [first = '', ...rest] = board.writes.slice(before);
    expect(first).toMatch(/^image/);
    expect(rest.at(-1)).toMatch(/^(tryboot|environment)$/);
    expect(await boot()).toEqual({ image: 'locals/new', tries: 'locals/new' });
    await store.commit('locals/new');
    expect(await store.bootVariables()).toEqual({ committed: 'locals/new' });
    for (let again = 0; again < 3; again += 1) expect(await boot()).toEqual({ image: 'locals/new', tries: undefined });
  });

  test('a reset during the try boots what is committed, and the try is known to be spent', async () => {
    await store.setTrying('locals/new');
    await boot();
    expect(await boot()).toEqual({ image: '0', tries: undefined });
    expect(await store.bootVariables()).toEqual({ committed: '0', trying: 'locals/new', spent: true });
    await store.setTrying(undefined);
    expect(await boot()).toEqual({ image: '0', tries: undefined });
    expect(await store.bootVariables()).toEqual({ committed: '0' });
  });

  test('the next try takes the other place, and leaves the committed image alone', async () => {
    await store.setTrying('locals/new');
    await boot();
    await store.commit('locals/new');
    await store.propose('locals/next', STATE);
    await store.setTrying('locals/next');
    expect(await boot()).toEqual({ image: 'locals/next', tries: 'locals/next' });
    expect(await boot()).toEqual({ image: 'locals/new', tries: undefined });
  });

  test('an update without a reboot writes no image, and a boot in the middle of it is one of what is committed', async () => {
    await store.setTrying('locals/new', true);
    expect(board.writes.filter((what) => what.startsWith('image'))).toEqual([]);
    expect(await boot()).toEqual({ image: '0', tries: undefined });
    expect(await store.bootVariables()).toEqual({ committed: '0', trying: 'locals/new', spent: true });
  });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type UpdateControllerOptions, updateController } from '../../controllers/update.ts';
import type { Failure } from '../../resources/kinds/update.ts';
import { CONVERGED } from '../../resources/plan.ts';
import { openRevisions } from '../../runtime/device/revisions.ts';
import { unreadableFinder } from '../../runtime/device/unreadable.ts';
import type { Controller } from '../../runtime/engine/controller.ts';
import { type Ledger, openLedger } from '../../runtime/engine/ledger.ts';
import { Rejection } from '../../runtime/store/rejection.ts';
import type { Store } from '../../runtime/store/store.ts';
import { type TestDevice, testDevice } from '../runtime/store/device.ts';
import { aState, type StateBuilder } from '../state-builder.ts';

const A = 'locals/a';
const never = new AbortController().signal;
const REF = 'update/device';

let device: TestDevice;
let store: Store;
let ledger: Ledger;
let controller: Controller<'update'>;

const open = async (changes: Partial<UpdateControllerOptions> = {}): Promise<void> => {
  const { paths, clock, files } = device;
  store = await device.reopen();
  ledger = await openLedger(files, `${paths.run}/ledger`, 'boot');
  const settings = { goalsTimeoutSeconds: 30, verityHandlers: true, appengine: true };
  const revisions = openRevisions(store, { ...settings, paths });
  controller = updateController({
    ...{ clock, ledger, store, load: revisions.load, reconcile: () => CONVERGED, session: 'this' },
    whyUnreadable: unreadableFinder(revisions.load),
    ...{ commitDelaySeconds: () => 5, rebootTransitions: false, reboot: async () => undefined },
    ...changes,
  });
};
const install = async (revision: string, state: StateBuilder): Promise<void> => {
  await mkdir(`${device.paths.storage}/objects`, { recursive: true });
  for (const [key, id] of Object.entries(state.toValue()))
    if (typeof id === 'string' && /^[0-9a-f]{64}$/.test(id))
      await writeFile(`${device.paths.storage}/objects/${id}`, `content of ${key}`);
  await store.propose(revision, state.toBytes());
};
const tried = (more = {}) =>
  controller.execute['update.try'](
    { type: 'update.try', ref: REF, revision: { revision: A }, fallback: '0', brokenBefore: {}, ...more } as never,
    never,
  );
const rolledBack = (failure: Failure) =>
  controller.execute['update.rollBack']({ type: 'update.rollBack', ref: REF, failure } as never, never);
const status = async () => (await controller.observe('device')) as never as Record<string, unknown>;
const failureOf = (revision: string): Failure =>
  ({ revision, hash: 'h', status: 'ERROR', message: 'm', detail: 'why' }) as never;

beforeEach(async () => {
  device = await testDevice();
  for (const path of Object.values(device.paths)) await mkdir(path as string, { recursive: true });
  await open();
  await install('0', aState());
  await install(A, aState().container('web'));
});
afterEach(() => device.remove());

describe('a trial', () => {
  it('begins with its trail, and is tested, and committed', async () => {
    await tried();
    expect(await status()).toMatchObject({ committed: { revision: '0' }, trial: { revision: A, interrupted: false } });
    expect(await store.progress(A)).toMatchObject({ status: 'INPROGRESS' });
    await controller.execute['update.test']({ type: 'update.test', ref: REF, revision: A } as never, never);
    const nowMs = device.clock.nowMs();
    expect(await status()).toMatchObject({ trial: { testedAtMs: nowMs, commitAtMs: nowMs + 5_000 } });
    expect(await store.progress(A)).toMatchObject({ status: 'TESTING' });
    await controller.execute['update.commit']({ type: 'update.commit', ref: REF, revision: A } as never, never);
    expect(await status()).toMatchObject({ committed: { revision: A } });
    expect(await status()).not.toHaveProperty('trial');
    expect(await store.progress(A)).toMatchObject({ status: 'DONE' });
  });

  it('of what failed before forgets that failure: it was asked for again', async () => {
    await store.recordFailure(failureOf(A));
    expect(await status()).toMatchObject({ failures: { [A]: { detail: 'why' } } });
    await tried();
    expect((await status())['failures']).toEqual({});
    expect(await status()).toMatchObject({ trial: { revision: A } });
  });

  it('of what failed before and that cannot be tried keeps it', async () => {
    await store.recordFailure(failureOf(A));
    await open({ soundness: { whyUnsound: async () => 'an object is rotten', faultOf: () => undefined } });
    await tried();
    expect(await status()).toMatchObject({ failures: { [A]: { status: 'WONTGO', detail: 'an object is rotten' } } });
    expect(await status()).not.toHaveProperty('trial');
  });

  it('that another one takes the place of is given up first', async () => {
    await tried();
    await install('locals/b', aState().container('db'));
    await tried({ revision: { revision: 'locals/b' }, superseded: failureOf(A) });
    expect(await status()).toMatchObject({ failures: { [A]: { detail: 'why' } }, trial: { revision: 'locals/b' } });
  });

  it('of another daemon is interrupted', async () => {
    await tried();
    await open({ session: 'next' });
    expect(await status()).toMatchObject({ trial: { revision: A, interrupted: true } });
  });

  it('that was asked for with a reboot waits for it, also for the next daemon', async () => {
    await tried({ revision: { revision: A, byReboot: true } });
    expect(await status()).toMatchObject({ rebooting: 'a reboot was asked for', trial: { interrupted: false } });
    await open({ session: 'next' });
    expect(await status()).toMatchObject({ rebooting: 'a reboot was asked for', trial: { interrupted: false } });
    expect(await store.progress(A)).toMatchObject({ 'status-msg': 'Rebooting' });
  });

  it('of a document that cannot be read is refused by the device, with the reason', async () => {
    const load = async (): Promise<never> => {
      throw new Rejection('no such key');
    };
    await open({ load, whyUnreadable: unreadableFinder(load) });
    await expect(tried()).rejects.toMatchObject({ code: 'EINVAL', message: expect.stringContaining('no such key') });
    expect(await status()).toMatchObject({ unreadable: 'no such key' });
  });
});

describe('a rollback', () => {
  it('remembers what was broken before the trial until the committed revision has proven itself', async () => {
    const brokenBefore = { 'container/web': 'd1' };
    expect(await status()).not.toHaveProperty('brokenBefore');
    await tried({ brokenBefore });
    expect(await status()).toMatchObject({ brokenBefore });
    await rolledBack(failureOf(A));
    expect(await status()).toMatchObject({ brokenBefore, lifeline: { stage: 'verifying' } });
    await open({ session: 'next' });
    expect(await status()).toMatchObject({ brokenBefore });
    const hold = { type: 'update.hold', ref: REF, stage: 'none', reason: 'all is well' };
    await controller.execute['update.hold'](hold as never, never);
    expect(await status()).not.toHaveProperty('brokenBefore');
    expect(await store.brokenBefore()).toEqual({});
  });

  it('is on record with its reason, and the committed revision has to prove itself', async () => {
    await tried();
    await rolledBack(failureOf(A));
    expect(await status()).toMatchObject({
      ...{ committed: { revision: '0' }, failures: { [A]: { detail: 'why' } } },
      lifeline: { stage: 'verifying', reason: `${A} was rolled back: m` },
    });
    expect(await status()).not.toHaveProperty('trial');
    expect(await store.rolledBack()).toBe(`${A} was rolled back: m`);
  });

  it('of what never was on trial holds nothing up', async () => {
    await rolledBack(failureOf(A));
    expect(await status()).not.toHaveProperty('lifeline');
    expect(await store.rolledBack()).toBeUndefined();
  });
});

import { expect, test } from 'vitest';
import { openRevisions } from '../../../runtime/device/revisions.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { HERE, type StateReader } from '../../../runtime/threads/state-reader.ts';
import { aState, TEST_PATHS } from '../../state-builder.ts';

/** As a thread is given it: a function in it ended the daemon. */
const asIfInThread: StateReader = {
  ...HERE,
  read: (document, context) => HERE.read(document, structuredClone(context)),
};

test('what a document is read for is data, whatever else its owner has', async () => {
  const document = aState().container('web').toBytes();
  const fake = { version: async () => '1', document: async () => document, damageOf: async () => undefined };
  const store = fake as unknown as Store; // all that is asked
  const options = {
    ...{ paths: TEST_PATHS, goalsTimeoutSeconds: 7, verityHandlers: true, appengine: true },
    clock: () => 0,
  };
  const revisions = openRevisions(store, options, { reader: asIfInThread });
  expect(Object.keys((await revisions.load('locals/1')).desired)).toContain('container/web');
  expect(await revisions.read(document, 'locals/2')).toMatchObject({ ok: true });
});

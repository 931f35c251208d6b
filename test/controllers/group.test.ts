import { expect, it } from 'vitest';
import { groupController } from '../../controllers/group.ts';
import { CONVERGED } from '../../resources/plan.ts';
import { openLedger } from '../../runtime/engine/ledger.ts';
import { simulatedHost } from '../../runtime/host/simulated/simulated.ts';

const signal = new AbortController().signal;

it('a group was opened for a revision at a time, as the ledger has it, until it is closed', async () => {
  const host = simulatedHost();
  const ledger = await openLedger(host.operator.files, '/run/ledger', 'boot');
  const { execute, observe, list } = groupController(host, ledger, () => CONVERGED);
  expect([await observe('app'), await list()]).toEqual([undefined, []]);
  await execute['group.open']({ type: 'group.open', ref: 'group/app', revision: '1@a' }, signal);
  const status = { revision: '1@a', openedAtMs: host.clock.nowMs() };
  expect([await observe('app'), await list()]).toEqual([status, ['app']]);
  await execute['group.close']({ type: 'group.close', ref: 'group/app' }, signal);
  expect([await observe('app'), await list()]).toEqual([undefined, []]);
});

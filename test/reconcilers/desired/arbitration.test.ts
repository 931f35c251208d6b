import { expect, test } from 'vitest';
import { isUpdating, reasonToRefuse } from '../../../reconcilers/desired/arbitration.ts';
import type { Failure, Trial, UpdateStatus } from '../../../resources/kinds/update.ts';
import type { Proposal, SourceName } from '../../../resources/proposal.ts';

const COMMITTED: UpdateStatus = { committed: { revision: 'locals/1', hash: 'h1' }, failures: {} };
const trialOf = (revision: string, hash: string): Trial => ({
  revision,
  hash,
  fallback: 'locals/1',
  startedAtMs: 0,
  interrupted: false,
});
const from = (source: SourceName, revision: string, hash = `hash of ${revision}`): Proposal => ({
  spec: { revision, hash },
  source,
  from: `somebody at the ${source}`,
});
const failure = (hash: string): Failure => ({ revision: 'x', hash, status: 'ERROR', message: 'm', detail: 'd' });

const TRYING_WEB: UpdateStatus = { ...COMMITTED, trial: trialOf('locals/web', 'hash of locals/web') };
const WEB_DONE: UpdateStatus = { ...COMMITTED, committed: { revision: 'locals/web', hash: 'hash of locals/web' } };
const WEB_FAILED: UpdateStatus = { ...COMMITTED, failures: { x: failure('hash of locals/web') } };

test.each<[string, Proposal, Proposal | undefined, UpdateStatus | undefined, string | undefined]>([
  ['the first proposal stands', from('hub', '7'), undefined, COMMITTED, undefined],
  ['before anything was read, any stands', from('hub', '7'), undefined, undefined, undefined],
  ['the newest of equal sources stands', from('push', 'b'), from('watched directory', 'a'), TRYING_WEB, undefined],
  ['the newest of one source stands', from('hub', '8'), from('hub', '7'), COMMITTED, undefined],
  ['people come before the hub', from('watched directory', 'locals/web'), from('hub', '7'), COMMITTED, undefined],
  [
    'the hub waits until a local proposal is over',
    from('hub', '7'),
    from('push', 'locals/web'),
    TRYING_WEB,
    'locals/web, proposed by somebody at the push, is not finished yet',
  ],
  [
    'the hub waits for a local proposal that was not begun',
    from('hub', '7'),
    from('push', 'locals/web'),
    COMMITTED,
    'locals/web, proposed by somebody at the push, is not finished yet',
  ],
  ['a local proposal that is done is over', from('hub', '7'), from('push', 'locals/web'), WEB_DONE, undefined],
  ['a local proposal that failed is over', from('hub', '7'), from('push', 'locals/web'), WEB_FAILED, undefined],
  [
    'a trial of unknown source is not replaced by the hub',
    from('hub', '7'),
    undefined,
    TRYING_WEB,
    'locals/web is being tried, and may have been proposed by a source that comes first',
  ],
  ['a trial of unknown source is replaced by people', from('push', 'b'), undefined, TRYING_WEB, undefined],
  ['what is on trial may be proposed by any', from('hub', 'locals/web'), undefined, TRYING_WEB, undefined],
  [
    'the hub waits for a reboot',
    from('hub', '7'),
    undefined,
    { ...COMMITTED, rebooting: 'asked' },
    'the device reboots, and may have been proposed by a source that comes first',
  ],
])('%s', (_, next, standing, status, reason) => {
  expect(reasonToRefuse(next, standing, status)).toBe(reason);
});

test.each<[string, boolean, Proposal['spec'] | undefined, UpdateStatus | undefined]>([
  ['nothing is known', false, undefined, undefined],
  ['something is on trial', true, undefined, TRYING_WEB],
  ['a reboot is due', true, undefined, { ...COMMITTED, rebooting: 'asked' }],
  ['something new is proposed', true, from('push', 'b').spec, COMMITTED],
  ['the committed revision is proposed', false, COMMITTED.committed, COMMITTED],
  ['what failed before is proposed', false, from('push', 'locals/web').spec, WEB_FAILED],
  [
    'somebody insists on what failed under another name',
    true,
    { ...from('push', 'locals/web').spec, insisted: true },
    WEB_FAILED,
  ],
])('an update is on when %s: %s', (_, expected, spec, status) => {
  expect(isUpdating(spec, status)).toBe(expected);
});

import { describe, expect, test } from 'vitest';
import { aState, compiled, compiling } from '../../state-builder.ts';

const start = aState().group({ name: 'apps' });
const ownRecovery = (run: Record<string, unknown>) => compiled(start.container('web', run)).containers[0];

describe('auto_recovery', () => {
  const group = aState().group({ name: 'g', auto_recovery: { policy: 'always', max_retries: 3 } });
  const recoveryIn = (run: Record<string, unknown>) =>
    compiled(group.container('web', run)).containers[0]?.autoRecovery;

  test('is inherited as a whole, also by a container that says no', () => {
    expect(recoveryIn({})).toMatchObject({ policy: 'always', maxRetries: 3 });
    expect(recoveryIn({ auto_recovery: { policy: 'no', max_retries: 9 } })).toMatchObject({ maxRetries: 3 });
    expect(recoveryIn({ auto_recovery: { policy: 'on-failure' } })).toMatchObject({
      policy: 'on-failure',
      maxRetries: 0,
    });
  });

  test('without one anywhere there is none', () => {
    expect(ownRecovery({})).not.toHaveProperty('autoRecovery');
    expect(ownRecovery({ auto_recovery: { max_retries: 3 } })).not.toHaveProperty('autoRecovery');
  });

  test.each([
    [undefined, { type: 'reboot' }],
    ['reboot', { type: 'reboot' }],
    ['never', { type: 'never' }],
    ['45', { type: 'rest', seconds: 45 }],
    ['45s', { type: 'rest', seconds: 45 }],
    ['2min', { type: 'rest', seconds: 120 }],
    ['1h', { type: 'rest', seconds: 3600 }],
    ['5weeks', { type: 'rest', seconds: 5 }],
    [30, { type: 'rest', seconds: 30 }],
    ['0', { type: 'reboot' }],
    ['0min', { type: 'reboot' }],
    ['soon', { type: 'reboot' }],
    [99999999, { type: 'reboot' }],
  ])('backoff_policy %j is %j', (backoff_policy, expected) => {
    expect(recoveryIn({ auto_recovery: { policy: 'always', backoff_policy } })?.backoffPolicy).toEqual(expected);
  });

  test.each([
    ['policy', 'sometimes', undefined],
    ['max_retries', -1, 0],
    ['max_retries', 'many', 0],
    ['max_retries', 2.9, 2],
    ['retry_delay', 1e300, 2147483647],
    ['backoff_factor', 'x', 0],
  ])('%s %j never refuses a document', (key, value, expected) => {
    const result = compiling(
      start.container('web', { group: 'apps', auto_recovery: { policy: 'always', [key]: value } }),
    );
    const names = {
      max_retries: 'maxRetries',
      retry_delay: 'retryDelaySeconds',
      backoff_factor: 'backoffFactor',
    } as const;
    const recovery = result.ok ? result.state.containers[0]?.autoRecovery : undefined;
    expect(key in names ? recovery?.[names[key as keyof typeof names]] : recovery).toBe(expected);
    expect(result.ok && result.warnings.map(({ path }) => path)).toEqual([`web/run.json.auto_recovery.${key}`]);
  });
});

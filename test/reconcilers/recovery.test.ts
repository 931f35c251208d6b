import { describe, expect, it } from 'vitest';
import { decideRecovery, retryDelaySeconds } from '../../reconcilers/recovery.ts';
import type { Exit } from '../../resources/kinds/container.ts';
import type { AutoRecovery } from '../../resources/kinds/recovery.ts';
import { containerSpec, exited, recovery, run } from './given.ts';

const FAILED: Exit = { type: 'code', code: 1 };
const KILLED: Exit = { type: 'signal', signal: 9 };
const DONE: Exit = { type: 'code', code: 0 };

const decide = (autoRecovery: AutoRecovery | undefined, exit: Exit, retries = 0, onTrial = false) =>
  decideRecovery(
    containerSpec(autoRecovery === undefined ? {} : { autoRecovery }),
    exited(exit, { retries, exitedAtMs: 10_000 }),
    onTrial,
  );

describe('policies', () => {
  it.each([
    ['always', DONE, 'restart'],
    ['always', FAILED, 'restart'],
    ['on-failure', DONE, 'complete'],
    ['on-failure', FAILED, 'restart'],
    ['on-failure', KILLED, 'restart'],
    ['on-failure', { type: 'unknown' }, 'restart'],
    ['unless-stopped', DONE, 'restart'],
    ['unless-stopped', FAILED, 'restart'],
  ] as const)('%s after %o: %s', (policy, exit, type) => {
    expect(decide(recovery({ policy }), exit).type).toBe(type);
  });

  it('no policy gives up during a trial', () => {
    expect(decide(undefined, FAILED, 0, true)).toEqual({ type: 'give-up', reason: 'it ended with exit code 1' });
  });

  it('no policy starts again outside a trial, more slowly every time, where Pantavisor would reboot', () => {
    const delays = [0, 1, 2, 3, 20].map((retries) => {
      const decision = decide(undefined, FAILED, retries);
      return decision.type === 'restart' ? decision.atMs - 10_000 : undefined;
    });
    expect(delays).toEqual([0, 2_000, 4_000, 8_000, 300_000]);
  });
});

describe('delays', () => {
  it('grow by the factor from the second retry on, truncated to seconds', () => {
    const auto = recovery({ retryDelaySeconds: 5, backoffFactor: 2 });
    expect([1, 2, 3, 4].map((retry) => retryDelaySeconds(auto, retry))).toEqual([5, 10, 20, 40]);
    const third = recovery({ retryDelaySeconds: 5, backoffFactor: 1.5 });
    expect([1, 2, 3].map((retry) => retryDelaySeconds(third, retry))).toEqual([5, 7, 11]);
  });

  it('do not grow by factors of 1 and less', () => {
    expect(retryDelaySeconds(recovery({ retryDelaySeconds: 5, backoffFactor: 0.5 }), 4)).toBe(5);
  });
});

describe('when the retries are used up', () => {
  const spent = (backoffPolicy: AutoRecovery['backoffPolicy'], onTrial = false) =>
    decide(recovery({ maxRetries: 2, backoffPolicy }), FAILED, 2, onTrial);

  it('never gives up for good', () => {
    expect(spent({ type: 'never' })).toMatchObject({ type: 'give-up' });
  });

  it('a duration rests that long and counts anew', () => {
    expect(spent({ type: 'rest', seconds: 60 })).toMatchObject({ type: 'restart', atMs: 70_000, retries: 0 });
  });

  it('reboot starts the container again, slowly', () => {
    expect(spent({ type: 'reboot' })).toMatchObject({ type: 'restart', retries: 3 });
  });

  it.each([{ type: 'never' }, { type: 'rest', seconds: 60 }, { type: 'reboot' }] as const)(
    'a trial fails whatever the backoff policy is: %o',
    (backoff) => {
      expect(spent(backoff, true).type).toBe('give-up');
    },
  );
});

describe('the reset window', () => {
  const auto = recovery({ maxRetries: 2, resetWindowSeconds: 5, backoffPolicy: { type: 'never' } });

  it('forgets earlier retries after a long run', () => {
    const decision = decideRecovery(
      containerSpec({ autoRecovery: auto }),
      exited(FAILED, { retries: 2, run: run({ startedAtMs: 1000 }), exitedAtMs: 6001 }),
      false,
    );
    expect(decision).toMatchObject({ type: 'restart', retries: 1 });
  });

  it('keeps them after a short one', () => {
    const decision = decideRecovery(
      containerSpec({ autoRecovery: auto }),
      exited(FAILED, { retries: 2, run: run({ startedAtMs: 1000 }), exitedAtMs: 6000 }),
      false,
    );
    expect(decision.type).toBe('give-up');
  });
});

/** `auto_recovery` of a container or a group. It never refuses a document. */
import { z } from 'zod';
import type { AutoRecovery, BackoffPolicy } from '../kinds/recovery.ts';
import { type ANY, LEFT_OUT, type Leniency } from './manifest.ts';
import type { Segment } from './problem.ts';

const MAX_INT = 2 ** 31 - 1;
const count = (expected: string) =>
  z.int({ error: expected }).min(0, { error: expected }).max(MAX_INT, { error: expected });
const seconds = (description: string) => count('a whole number of seconds').optional().describe(description);

const BACKOFF = /^(?:reboot|never|0*(?<amount>[1-9]\d{0,6})(?<unit>s|min|h)?)$/;

export const RecoveryManifest = z
  .looseObject({
    policy: z
      .enum(['no', 'always', 'on-failure', 'unless-stopped'])
      .optional()
      .describe('When a container that ended on its own is started again; default no.'),
    max_retries: count('a whole number')
      .optional()
      .describe('Restarts before backoff_policy applies; 0, the default: unlimited.'),
    retry_delay: seconds('Pause before a restart; default 0.'),
    backoff_factor: z
      .number()
      .min(0)
      .optional()
      .describe('Multiplies retry_delay from the second restart on; 1 and less do nothing.'),
    reset_window: seconds('A run longer than this forgets earlier restarts; 0, the default: never.'),
    stable_timeout: seconds('How long the goal must hold before an update may be committed; default 0.'),
    backoff_policy: z
      .string()
      .regex(BACKOFF, { error: '"reboot", "never" or a duration such as "30s", "5min" or "1h"' })
      .optional()
      .describe('After max_retries: reboot the device (the default), give up, or rest and begin anew.'),
  })
  .describe('What to do when a container ends on its own.');

const wholeOrZero = (value: unknown): number =>
  typeof value === 'number' ? Math.trunc(Math.min(Math.max(value, 0), MAX_INT)) : 0;

// A number that was not quoted, or one with a unit that does not exist, are seconds.
const durationOrReboot = (value: unknown): string => {
  const amount = /^0*([1-9]\d{0,6})(?!\d)/.exec(String(value))?.[1];
  return amount === undefined ? 'reboot' : `${amount}s`;
};

export const recoveryLeniencies = (...prefix: readonly (Segment | typeof ANY)[]): readonly Leniency[] => [
  { at: [...prefix, 'auto_recovery', 'policy'], instead: () => 'no' },
  ...['max_retries', 'retry_delay', 'reset_window', 'stable_timeout'].map((key) => ({
    at: [...prefix, 'auto_recovery', key],
    instead: wholeOrZero,
  })),
  { at: [...prefix, 'auto_recovery', 'backoff_factor'], instead: () => 0 },
  { at: [...prefix, 'auto_recovery', 'backoff_policy'], instead: durationOrReboot },
  { at: [...prefix, 'auto_recovery'], instead: () => LEFT_OUT },
];

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

const backoffOf = (text: string): BackoffPolicy => {
  if (text === 'reboot' || text === 'never') return { type: text };
  const { amount, unit = 's' } = BACKOFF.exec(text)?.groups ?? {};
  return { type: 'rest', seconds: Number(amount) * (UNIT_SECONDS[unit] ?? 1) };
};

/** undefined: policy `no`, which is the same as no object at all. */
export const recoveryOf = (manifest: z.output<typeof RecoveryManifest> | undefined): AutoRecovery | undefined => {
  const policy = manifest?.policy ?? 'no';
  if (manifest === undefined || policy === 'no') return undefined;
  return {
    policy,
    maxRetries: manifest.max_retries ?? 0,
    retryDelaySeconds: manifest.retry_delay ?? 0,
    backoffFactor: manifest.backoff_factor ?? 0,
    resetWindowSeconds: manifest.reset_window ?? 0,
    stableTimeoutSeconds: manifest.stable_timeout ?? 0,
    backoffPolicy: backoffOf(manifest.backoff_policy ?? 'reboot'),
  };
};

/** An element of `groups.json` or of `device.json`'s `groups`. */
import { z } from 'zod';
import { RESTART_POLICIES, STATUS_GOALS } from '../kinds/goal.ts';
import { type Leniency, REFUSED } from './manifest.ts';
import { RecoveryManifest, recoveryLeniencies } from './recovery-manifest.ts';

const TIMEOUT = { error: 'a whole number of seconds from 0 to 2147483647' };

export const StatusGoalText = z.enum(STATUS_GOALS).describe('What a container must reach.');
export const RestartPolicyText = z
  .enum(RESTART_POLICIES)
  .describe('What an update of a container needs: a reboot (system) or only a restart of the container.');

export const GroupManifest = z
  .looseObject({
    name: z.string().regex(/^[^\p{Cc}]{1,255}$/u, { error: 'a name of 1 to 255 printable characters' }),
    description: z.unknown().optional(),
    status_goal: StatusGoalText.optional(),
    restart_policy: RestartPolicyText.optional(),
    timeout: z
      .int(TIMEOUT)
      .min(0, TIMEOUT)
      .max(2 ** 31 - 1, TIMEOUT)
      .optional()
      .describe('Seconds the members may take to reach their goals; default PV_UPDATER_GOALS_TIMEOUT.'),
    auto_recovery: RecoveryManifest.optional(),
  })
  .describe('Containers that start together, after the earlier groups reached their goals.');
export type GroupManifest = z.output<typeof GroupManifest>;

const wholeSeconds = (value: unknown): unknown => {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < 2 ** 31 ? Math.trunc(number) : REFUSED;
};

export const GROUP_LENIENCIES: readonly Leniency[] = [
  ...recoveryLeniencies(),
  { at: ['timeout'], instead: wholeSeconds },
];

/** The groups of a state that declares none; containers then follow the rules of runlevels (§10). */
export const DEFAULT_GROUPS: readonly GroupManifest[] = [
  { name: 'data', status_goal: 'MOUNTED', restart_policy: 'system', timeout: 30 },
  { name: 'root', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  { name: 'platform', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  {
    name: 'app',
    status_goal: 'STARTED',
    restart_policy: 'container',
    timeout: 30,
    auto_recovery: {
      policy: 'on-failure',
      max_retries: 5,
      retry_delay: 5,
      backoff_factor: 2,
      stable_timeout: 30,
      backoff_policy: 'reboot',
    },
  },
];

/** What follows when a container has ended (`on-failure` and `unless-stopped` mean what they say, unlike in Pantavisor). */
import type { ContainerSpec, ContainerStatus, Exit } from '../resources/kinds/container.ts';
import type { AutoRecovery } from '../resources/kinds/recovery.ts';

export type Exited = Extract<ContainerStatus, { phase: 'exited' }>;

export type Recovery =
  | { readonly type: 'restart'; readonly atMs: number; readonly retries: number; readonly reason: string }
  /** It did what it was there for and may rest. */
  | { readonly type: 'complete'; readonly reason: string }
  | { readonly type: 'give-up'; readonly reason: string };

/** Pantavisor reboots the device where a container without (further) recovery ends; until a reboot is at hand the container alone is started again, ever more slowly. */
const UNMANAGED_FIRST_DELAY_MS = 1_000;
const UNMANAGED_LONGEST_DELAY_MS = 300_000;
/** A run this long was a good one: earlier failures no longer count against it. */
export const UNMANAGED_RESET_MS = 60_000;

export const describeExit = (exit: Exit): string => {
  switch (exit.type) {
    case 'code':
      return `exit code ${exit.code}`;
    case 'signal':
      return `signal ${exit.signal}`;
    case 'unknown':
      return 'an unknown status, its monitor was killed';
    default:
      return exit satisfies never;
  }
};

export const decideRecovery = (spec: ContainerSpec, exited: Exited, onTrial: boolean): Recovery => {
  const { exit, exitedAtMs, run, retries } = exited;
  const ended = `it ended with ${describeExit(exit)}`;
  if (run.stopRequestedAtMs !== undefined) {
    return { type: 'restart', atMs: exitedAtMs, retries, reason: 'it was stopped to be started anew' };
  }

  const recovery = spec.autoRecovery;
  if (recovery === undefined || recovery.policy === 'no') return restartUnmanaged(exited, onTrial, ended);
  if (recovery.policy === 'on-failure' && exit.type === 'code' && exit.code === 0) {
    return { type: 'complete', reason: 'it ended with exit code 0' };
  }

  const forgiven = recovery.resetWindowSeconds > 0 && exitedAtMs - run.startedAtMs > recovery.resetWindowSeconds * 1000;
  const counted = forgiven ? 0 : retries;
  if (recovery.maxRetries > 0 && counted >= recovery.maxRetries) return giveWay(recovery, exited, onTrial, ended);

  const retry = counted + 1;
  const limit = recovery.maxRetries > 0 ? ` of ${recovery.maxRetries}` : '';
  return {
    type: 'restart',
    atMs: exitedAtMs + retryDelaySeconds(recovery, retry) * 1000,
    retries: retry,
    reason: `${ended}; retry ${retry}${limit} by policy '${recovery.policy}'`,
  };
};

/** Whole seconds before the n-th retry, n from 1: delay x factor^(n-1), truncated. */
export const retryDelaySeconds = (recovery: AutoRecovery, retry: number): number => {
  const factor = recovery.backoffFactor > 1 ? recovery.backoffFactor ** (retry - 1) : 1;
  return Math.trunc(recovery.retryDelaySeconds * factor);
};

const giveWay = (recovery: AutoRecovery, exited: Exited, onTrial: boolean, ended: string): Recovery => {
  const spent = `${ended}, and all ${recovery.maxRetries} retries are used up`;
  if (onTrial) return { type: 'give-up', reason: spent };
  switch (recovery.backoffPolicy.type) {
    case 'never':
      return { type: 'give-up', reason: `${spent}; backoff_policy is 'never'` };
    case 'rest': {
      const { seconds } = recovery.backoffPolicy;
      return {
        type: 'restart',
        atMs: exited.exitedAtMs + seconds * 1000,
        retries: 0,
        reason: `${spent}; it rests for ${seconds} s`,
      };
    }
    case 'reboot':
      return restartUnmanaged(exited, onTrial, spent);
    default:
      return recovery.backoffPolicy satisfies never;
  }
};

const restartUnmanaged = (exited: Exited, onTrial: boolean, why: string): Recovery => {
  if (onTrial) return { type: 'give-up', reason: why };
  const { exitedAtMs, run, retries } = exited;
  const counted = exitedAtMs - run.startedAtMs > UNMANAGED_RESET_MS ? 0 : retries;
  const delayMs = Math.min(UNMANAGED_FIRST_DELAY_MS * 2 ** Math.min(counted, 30), UNMANAGED_LONGEST_DELAY_MS);
  return {
    type: 'restart',
    atMs: exitedAtMs + (counted === 0 ? 0 : delayMs),
    retries: counted + 1,
    reason: `${why}; started again in place of a reboot`,
  };
};

/** Auto-recovery: what to do when a container ends on its own. */
export type RecoveryPolicy = 'no' | 'always' | 'on-failure' | 'unless-stopped';

/** After `maxRetries`: reboot the device (roll back, during a trial), give up, or rest for some seconds and begin anew. */
export type BackoffPolicy =
  | { readonly type: 'reboot' }
  | { readonly type: 'never' }
  | { readonly type: 'rest'; readonly seconds: number };

export interface AutoRecovery {
  readonly policy: RecoveryPolicy;
  /** 0: unlimited. */
  readonly maxRetries: number;
  readonly retryDelaySeconds: number;
  /** Multiplies the delay from the second retry on; values of 1 and less do nothing. */
  readonly backoffFactor: number;
  /** A run longer than this forgets earlier retries; 0: never. */
  readonly resetWindowSeconds: number;
  /** How long the goal must hold before an update may be committed; 0: no gating. */
  readonly stableTimeoutSeconds: number;
  readonly backoffPolicy: BackoffPolicy;
}

/** A container: one LXC container of the running revision. */

import type { Ref } from '../ref.ts';
import type { RestartPolicy, StatusGoal } from './goal.ts';
import type { Logger } from './logger.ts';
import type { AutoRecovery } from './recovery.ts';

export type Role = 'mgmt';

export interface ContainerSpec {
  readonly name: string;
  /** Position in the state document; containers are started and shown in this order. */
  readonly order: number;
  readonly revision: string;
  /** sha256 over every entry of the state that belongs to this container. Another value: another container, to be restarted. */
  readonly definition: string;
  readonly group: Ref<'group'>;
  readonly statusGoal: StatusGoal;
  readonly restartPolicy: RestartPolicy;
  readonly roles: readonly Role[];
  /** The container's own object, else its group's; undefined: policy `no`. */
  readonly autoRecovery?: AutoRecovery;
  /** Every volume it owns, in mount order. */
  readonly volumes: readonly Ref<'volume'>[];
  /** Besides its group and volumes: what must be ready before it starts, whatever kind that is. */
  readonly dependsOn?: readonly Ref[];
  /** What of its content fails its checksum, with no sound copy to be had: it is not started. One that runs goes on. */
  readonly damaged?: string;
  /** Absolute path of `trails/<rev>/<name>`; relative includes of the LXC file resolve against it. */
  readonly directory: string;
  /** Absolute path of the LXC configuration file as the state carries it; undefined: none named. */
  readonly configFile?: string;
  /** Absolute path of `trails/<rev>/_config/<name>`, the topmost lower layer of its root; undefined: no such keys. */
  readonly configOverlay?: string;
  /** Bind /lib/firmware and /lib/modules of the host (run.json `automodfw`, default true). */
  readonly bindModulesAndFirmware: boolean;
  /** /dev/log leads to the log server (run.json `dev-log`; undefined: `PV_LOG_AUTO_DEVLOG` decides). */
  readonly devLog?: boolean;
  /** Files in it whose lines are its logs. */
  readonly loggers: readonly Logger[];
  /** Why it can never be started as declared; such a container is stalled, not ignored. */
  readonly unsupported?: string;
  /** Why it does not run at the moment, although it is part of the revision: safe mode. It is stalled, and stays listed. */
  readonly heldBack?: string;
  /** Operator intent: must not run. */
  readonly stopped: boolean;
  /** Operator intent: counts requested restarts; a run of a lower generation is replaced. */
  readonly generation: number;
}

/** How init ended. `unknown`: its monitor was killed and nobody saw. */
export type Exit =
  | { readonly type: 'code'; readonly code: number }
  | { readonly type: 'signal'; readonly signal: number }
  | { readonly type: 'unknown' };

/** One start of a container. All times are milliseconds of the monotonic clock of this boot. */
export interface Run {
  readonly startedAtMs: number;
  readonly initPid?: number;
  /** When the container signalled READY. */
  readonly readyAtMs?: number;
  readonly stopRequestedAtMs?: number;
  /** What each volume was when it was started, by volume ref: the identity of its tree (see VolumeStatus). */
  readonly volumes: Readonly<Record<Ref<'volume'>, string>>;
  /** What else it was started with, and uses while it lives; see ContainerSpec. */
  readonly dependsOn?: readonly Ref[];
}

export type ContainerPhase =
  /** Its record and LXC directory exist; it does not run and may be started. */
  | { readonly phase: 'installed' }
  /** The LXC monitor lives, init does not yet. */
  | { readonly phase: 'starting'; readonly run: Run }
  | {
      readonly phase: 'running';
      readonly run: Run;
      readonly frozen: boolean;
      readonly rootIntact: boolean;
      /** Init is gone, and LXC is seen taking the rest down since then. */
      readonly endingSinceMs?: number;
    }
  | { readonly phase: 'exited'; readonly run: Run; readonly exit: Exit; readonly exitedAtMs: number };

export type ContainerStatus = ContainerPhase & {
  /** The definition it was installed from. */
  readonly definition: string;
  readonly generation: number;
  readonly revision: string;
  /** Order of its group when it was installed. Stopping goes from the highest rank down, equal ranks together. */
  readonly rank: number;
  /** Consecutive automatic restarts; see AutoRecovery. */
  readonly retries: number;
};

/** What can be done to it. "Ensure" semantics: doing it twice is harmless. */
export type ContainerAction =
  | {
      readonly type: 'container.install';
      readonly ref: Ref<'container'>;
      readonly spec: ContainerSpec;
      /** See ContainerStatus. */
      readonly rank: number;
    }
  | {
      readonly type: 'container.start';
      readonly ref: Ref<'container'>;
      readonly spec: ContainerSpec;
      /** Identity of each mounted volume; see Run. */
      readonly volumes: Readonly<Record<Ref<'volume'>, string>>;
    }
  | { readonly type: 'container.halt'; readonly ref: Ref<'container'>; readonly reason: string }
  | { readonly type: 'container.kill'; readonly ref: Ref<'container'>; readonly reason: string }
  | { readonly type: 'container.unfreeze'; readonly ref: Ref<'container'> }
  /** After an exit: back to `installed`, ready for the next start. */
  | { readonly type: 'container.reset'; readonly ref: Ref<'container'>; readonly retries: number }
  | { readonly type: 'container.remove'; readonly ref: Ref<'container'> };

/** What a state is compiled for: this device, this revision. */

import type { Paths } from '../paths.ts';
import type { GroupManifest } from './group-manifest.ts';
import type { Sha256 } from './state.ts';

export interface CompileContext {
  readonly paths: Paths;
  readonly revision: string;
  /** `PV_UPDATER_GOALS_TIMEOUT`. */
  readonly goalsTimeoutSeconds: number;
  /** `PV_LOG_AUTO_DEVLOG`. */
  readonly devLogDefault?: boolean;
  /** `PV_SECUREBOOT_HANDLERS`: `dm:` volumes go through dm-verity; otherwise they are plain images. */
  readonly verityHandlers: boolean;
  /** The BSP belongs to somebody else. */
  readonly appengine: boolean;
  readonly sha256: Sha256;
  /** The device's own default groups; undefined: those that Pantavisor ships. */
  readonly defaultGroups?: readonly GroupManifest[];
  /** Services that the daemon itself offers. */
  readonly hostedServices?: readonly string[];
}
